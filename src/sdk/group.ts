import { checkText } from "./option-check.ts";
import {
  type ActionPromise,
  currentSession,
  sessionStorage,
  type TaskCall,
  type TaskSession,
} from "./session.ts";
import { currentGroup, SessionView } from "./session-view.ts";

/**
 * Puts the calls made by `fn` into a folder of the run's tree. Groups nest: `load/files`. A group is a label only,
 * so renaming it loses no recorded result. Outside a task it just calls `fn`.
 *
 * @example
 * const files = await group("load", () => Promise.all(urls.map((url) => fetchFile(url))));
 * @returns what `fn` returns
 * @throws GodwitError OPTION_INVALID for an empty name
 */
export function group<Result>(name: string, fn: () => Result): Result {
  checkText(name, "group: the name");
  const session = currentSession();
  return session === undefined ? fn() : sessionStorage().run(new GroupView(session, name), fn);
}

class GroupView extends SessionView {
  readonly #path: string;

  constructor(inner: TaskSession, name: string) {
    super(inner);
    const outer = currentGroup(inner);
    this.#path = outer === undefined ? name : `${outer}/${name}`;
  }

  override get group(): string {
    return this.#path;
  }

  override call(spec: TaskCall): ActionPromise<unknown> {
    // An inner group has set the longer path already.
    const options = { ...spec.options, group: spec.options.group ?? this.#path };
    return super.call({ ...spec, options });
  }
}
