import type * as z from "zod";
import type { Authorize } from "./authorize.ts";
import { type Action, type MethodName, methods, type ParamsOf, type ResultOf } from "./contract/methods.ts";
import { ProblemError, toProblem } from "./contract/problems.ts";
import type { Log } from "./log.ts";

/**
 * The way of every request: known method, strictly parsed parameters, the right checked, then the handler, then a line in
 * the log. What is authorised is what runs: one parsed object, frozen, that no later message can change.
 */
export type CallContext = {
  /** Aborts when the caller cancels or is gone. */
  signal: AbortSignal;
  /** Asks for a further right that only the effect shows, like a shell in a privileged container. */
  authorize(action: Action, container: string): Promise<void>;
};

export type Handlers = {
  [M in MethodName]: (params: ParamsOf<M>, context: CallContext) => ResultOf<M> | Promise<ResultOf<M>>;
};

export type Dispatch = (method: string, params: unknown, signal: AbortSignal) => Promise<unknown>;

export function createDispatch(handlers: Handlers, authorize: Authorize, log: Log): Dispatch {
  return async (method, params, signal) => {
    if (!isMethod(method)) {
      log("refused", { method, why: "unknown method" });
      throw new ProblemError({ code: "invalid-request", issues: [{ path: "method", message: "unknown method" }] });
    }
    const { params: schema, action } = methods[method];
    const parsed = parse(schema, params, (why) => log("refused", { method, why }));
    const container = "name" in parsed && typeof parsed.name === "string" ? parsed.name : undefined;
    const check = "check" in parsed && typeof parsed.check === "string" ? parsed.check : undefined;
    const asked: Asked = { rights: new Set(), container };
    const require = async (right: Action, name: string | undefined) => {
      asked.container ??= name;
      try {
        await authorize(right, name, signal);
      } catch (thrown) {
        asked.refused = right;
        throw thrown;
      }
      if (right !== "view") asked.rights.add(right);
    };
    try {
      await require(action, container);
      const handler = handlers[method] as (params: unknown, context: CallContext) => unknown;
      const result = await handler(parsed, { signal, authorize: require });
      if (asked.rights.size > 0) log("done", { method, ...fieldsOf(asked), ...(check !== undefined && { check }) });
      return result;
    } catch (thrown) {
      const problem = toProblem(thrown);
      log("failed", {
        method,
        ...fieldsOf(asked),
        problem: problem.code,
        detail: problem.code === "internal" ? problem.detail : undefined,
      });
      throw thrown;
    }
  };
}

/** What a call was allowed above looking, and what not. */
type Asked = { rights: Set<Action>; refused?: Action; container: string | undefined };

/** What has a `right` is told to this computer's log, too: what somebody used, or what somebody was refused. */
function fieldsOf({ rights, refused, container }: Asked) {
  const right = refused ?? (rights.size > 0 ? [...rights].join("+") : undefined);
  return { container, right };
}

/** Own keys only: `constructor` and its like are no methods. */
function isMethod(method: string): method is MethodName {
  return Object.hasOwn(methods, method);
}

const maxIssues = 20;

function parse(schema: z.ZodType, params: unknown, refused: (why: string) => void): object {
  // JSON can carry a key that the language treats as more than a key; no method has use for it.
  const hasProto = typeof params === "object" && params !== null && Object.hasOwn(params, "__proto__");
  const result = schema.safeParse(params);
  if (result.success && !hasProto) return deepFreeze(result.data as object);
  const issues = hasProto
    ? [{ path: "__proto__", message: "unknown key" }]
    : (result.error?.issues ?? []).slice(0, maxIssues).map((issue) => ({
        path: issue.path.map(String).join(".").slice(0, 255),
        message: issue.message.slice(0, 1024),
      }));
  refused(issues.map(({ path, message }) => `${path}: ${message}`).join("; "));
  throw new ProblemError({ code: "invalid-request", issues });
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === "object" && inner !== null) deepFreeze(inner);
  return Object.freeze(value);
}
