import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { heartbeatEveryMilliseconds, hello, helloNotification, protocolVersion } from "../../privileged-helper/contract/events.ts";
import type { MethodName, ParamsInputOf, ResultOf } from "../../privileged-helper/contract/methods.ts";
import { type InstalledAs, ProblemError } from "../../privileged-helper/contract/problems.ts";
import { createPeer } from "../../privileged-helper/wire/peer.ts";
import type { HelperLauncher } from "../backend/launch-helper.ts";

export type Call = <M extends MethodName>(method: M, params: ParamsInputOf<M>) => Promise<ResultOf<M>>;

const textAgent = "/usr/bin/pkttyagent";
const agentReadyMilliseconds = 3_000;

/**
 * Starts a helper, works with it, and ends it. On a terminal polkit asks in that, where no desktop asks.
 * @throws ProblemError Why there is no helper, or what it answers.
 */
export async function withOneHelper<T>(
  { version, installedAs, launch }: { version: string; installedAs: InstalledAs; launch: HelperLauncher },
  work: (call: Call) => Promise<T>,
): Promise<T> {
  const agent = await startTextAgent();
  try {
    const { process: helper, explainEnd } = await launch();
    let sayHello: (params: unknown) => void = () => {};
    const greeted = new Promise<unknown>((resolve) => {
      sayHello = resolve;
    });
    const peer = createPeer(helper.port, {
      onCall: async (method) => {
        throw new ProblemError({ code: "invalid-request", issues: [{ path: "method", message: `nobody answers ${method} here` }] });
      },
      onNotification: (method, params) => {
        if (method === helloNotification) sayHello(params);
      },
      onData: () => {},
      onClose: () => {},
    });
    const heartbeat = setInterval(() => peer.notify("heartbeat", {}), heartbeatEveryMilliseconds);
    const ended = helper.ended.then(async (end): Promise<never> => {
      throw new ProblemError(await explainEnd(end));
    });
    // Only whoever still waits for it wants to know.
    ended.catch(() => {});
    const interrupted = () => helper.end();
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, interrupted);
    try {
      const theirs = hello.safeParse(await Promise.race([greeted, ended])).data;
      if (theirs?.version !== version || theirs.protocol !== protocolVersion) {
        throw new ProblemError({ code: "version-mismatch", app: version, helper: theirs?.version ?? "unknown", installedAs });
      }
      return await Promise.race([work((method, params) => peer.call(method, params) as never), ended]);
    } finally {
      clearInterval(heartbeat);
      peer.close("done");
      await helper.ended;
    }
  } finally {
    agent?.kill();
  }
}

/** pkttyagent(1): `--fallback` leaves it to a desktop's agent where there is one. It writes to the descriptor when it listens. */
async function startTextAgent(): Promise<ChildProcess | undefined> {
  if (process.getuid?.() === 0 || !process.stdin.isTTY || !existsSync(textAgent)) return undefined;
  const args = ["--process", String(process.pid), "--fallback", "--notify-fd", "3"];
  const agent = spawn(textAgent, args, { stdio: ["inherit", "inherit", "inherit", "pipe"] });
  await new Promise<void>((resolve) => {
    agent.once("error", () => resolve());
    agent.once("exit", () => resolve());
    agent.stdio[3]?.on("data", () => {}).once("close", () => resolve());
    setTimeout(resolve, agentReadyMilliseconds).unref();
  });
  return agent;
}
