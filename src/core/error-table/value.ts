/** Inputs, outputs and the values that travel between tasks. */
export const VALUE_ERRORS = {
  INPUT_INVALID: {
    kind: "user",
    retryable: false,
    status: 422,
    title: "The input does not match the schema of the task",
    hint: "Compare the input with the `input` schema of the task; `details.issues` names each mismatch.",
  },
  OUTPUT_INVALID: {
    kind: "user",
    retryable: false,
    status: 422,
    title: "The output does not match the schema of the task",
    hint: "Return what the `output` schema describes; `details.issues` names each mismatch.",
  },
  VALUE_NOT_SERIALIZABLE: {
    kind: "user",
    retryable: false,
    status: 422,
    title: "A value cannot travel between tasks",
    hint: "Pass plain data: objects, arrays, primitives, Date, Map, Set, bigint, URL, bytes and errors.",
  },
  VALUE_MALFORMED: {
    kind: "user",
    retryable: false,
    status: 422,
    title: "An encoded value cannot be read",
    hint: "Escape a single key that starts with `$` by doubling the sign, and check that the text is JSON.",
  },
  VALUE_TYPE_DUPLICATE: {
    kind: "usage",
    retryable: false,
    status: 409,
    title: "A value type is registered twice",
    hint: "Register each tag once, and choose one that the library does not use itself.",
  },
  INLINE_VALUE_TOO_LARGE: {
    kind: "user",
    retryable: false,
    status: 413,
    title: "A value is larger than may travel inline",
    hint: "Write it to a `File` or `Dir` and pass that; files have no size limit.",
  },
} as const;
