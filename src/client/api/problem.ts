/** An error as the API answers it: RFC 9457, `application/problem+json`. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly code: string;
  readonly hint: string;
  readonly requestId: string;
  /** Each field that is wrong, by JSON Pointer. */
  readonly errors?: readonly { readonly pointer: string; readonly message: string }[];
}
