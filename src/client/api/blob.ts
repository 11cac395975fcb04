import type { BlobCapabilities, BlobInfo, BlobPage, SignedRequest } from "../../ports/blobs.ts";
import type { Problem } from "./problem.ts";

/** Something that is asked of the blob store of a coordinator. Bytes go straight to the store, under signed URLs. */
export type BlobAsk =
  | {
      readonly op: "get";
      readonly key: string;
      /** How long the URL is to last. Default and maximum: what `maxSignedMs` of the store says, 15 minutes. */
      readonly expiresInMs?: number;
      /** Also tell what is known of the blob. Default false: only a URL is made, whether there is a blob or not. */
      readonly describe?: boolean;
    }
  | {
      readonly op: "put";
      readonly key: string;
      readonly sizeBytes: number;
      /** In hex. Where the key ends in a SHA-256 it has to be that one. */
      readonly sha256: string;
      readonly mediaType?: string;
      /** Default false: what is there is replaced. */
      readonly ifAbsent?: boolean;
      readonly expiresInMs?: number;
    }
  | { readonly op: "head"; readonly key: string }
  | {
      readonly op: "list";
      /** Begins with the prefix of a project. */
      readonly prefix: string;
      readonly limit?: number;
      readonly cursor?: string;
    }
  | { readonly op: "delete"; readonly key: string };

/** What is answered to each kind of {@link BlobAsk}. */
export interface BlobAnswers {
  readonly get: {
    readonly request: SignedRequest;
    /** Null when there is no such blob; absent when it was not asked for. */
    readonly info?: BlobInfo | null;
  };
  readonly put: { readonly request: SignedRequest };
  readonly head: { readonly info: BlobInfo | null };
  readonly list: { readonly page: BlobPage };
  readonly delete: Readonly<Record<string, never>>;
}

/** Why one of several requests could not be answered; the others were. */
export interface BlobProblem extends Omit<Problem, "instance" | "errors"> {
  /** How often the coordinator tried. */
  readonly attempts?: number;
}

/** The answer to one request. */
export type BlobResult =
  | { readonly ok: true; readonly answer: BlobAnswers[keyof BlobAnswers] }
  | { readonly ok: false; readonly problem: BlobProblem };

/** Requests to the blob store of a coordinator, up to 1,000 at once. */
export interface BlobsBody {
  /** Whose blobs are meant; it decides `prefix` of the reply. Default: that of the key, else `default`. */
  readonly project?: string;
  readonly requests: readonly BlobAsk[];
}

/** The answers, in the order of the requests. */
export interface BlobsReply {
  readonly store: BlobStoreView;
  readonly results: readonly BlobResult[];
}

/** The blob store of a coordinator, as its clients may use it. */
export interface BlobStoreView {
  /** The URI of a blob is this and its key (percent-encoded for `file://`). */
  readonly uri: string;
  /** What the keys of the project begin with. */
  readonly prefix: string;
  /** `maxSignedMs` is how long URLs last that are signed here. */
  readonly capabilities: BlobCapabilities;
}

/** A bundle that is to be deployed. */
export interface BundleBody {
  /** Of its bytes, in hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Where to send a bundle. */
export interface BundleUpload {
  readonly sha256: string;
  /** Null: the coordinator has it already. */
  readonly upload: SignedRequest | null;
}

/** Where a runner gets a bundle. */
export interface BundleDownload {
  readonly sha256: string;
  readonly download: SignedRequest;
}

/** What a runner asks: each request under a lease of its own, as one body serves many executions. */
export interface LeasedBlobsBody {
  readonly requests: readonly { readonly lease: string; readonly ask: BlobAsk }[];
}
