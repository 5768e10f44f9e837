import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import type { Session } from "../../privileged-helper/contract/model.ts";
import type { Problem } from "../../privileged-helper/contract/problems.ts";
import type { RunOptions, ScratchRoot } from "./scratch-root.ts";

/** The installed app, started by its launcher, with a page open. */
export type InstalledApp = {
  /** The status of the page itself. */
  pageStatus: number;
  call(method: string, params?: unknown): Promise<{ result?: unknown; problem?: Problem }>;
  /** Waits until the session is as wanted. */
  session(isWanted: (session: Session) => boolean): Promise<Session>;
  /** As Ctrl-C does. Resolves to its exit code. */
  stop(): Promise<number | null>;
};

const patienceMilliseconds = 30_000;
const pidFile = "/tmp/app.pid";

/**
 * @param client path of the bundled client in the scratch root
 * @param before a command of root's in front of the app's, such as one that makes the system read-only
 */
export async function openApp(root: ScratchRoot, client: string, options: RunOptions, before = ""): Promise<InstalledApp> {
  const { uid, gid } = options.user ?? { uid: 0, gid: 0 };
  const asUser = `setpriv --reuid=${uid} --regid=${gid} --clear-groups --inh-caps=-all`;
  const script = `echo $$ >${pidFile}; ${before} exec ${asUser} /usr/bin/lxc-desktop --no-open`;
  const app = root.start(["unshare", "--mount", "/bin/sh", "-c", script], { environment: options.environment });
  const exited = new Promise<number | null>((resolve) => app.once("exit", resolve));
  const address = await lineOf(app, /^LXC Desktop is ready at (http:\/\/[0-9a-f]{32}\.localhost:\d+\/#[0-9a-f]{64})$/);

  const page = root.start(["/usr/bin/node", client, address], options);
  const answers = new Map<number, (answer: { result?: unknown; problem?: Problem }) => void>();
  const sessions: Session[] = [];
  let opened: (status: number) => void = () => {};
  const pageStatus = new Promise<number>((resolve) => {
    opened = resolve;
  });
  let errors = "";
  page.stderr?.on("data", (text) => {
    errors += text;
  });
  createInterface({ input: page.stdout as NodeJS.ReadableStream }).on("line", (line) => {
    const message = JSON.parse(line);
    if ("opened" in message) opened(message.opened);
    else if (message.notification === "session.changed") sessions.push(message.params);
    else answers.get(message.id)?.(message);
  });
  const inTime = <T>(promise: Promise<T>, what: string): Promise<T> =>
    Promise.race([
      promise,
      wait(patienceMilliseconds, undefined, { ref: false }).then(() => {
        throw new Error(`${what}: nothing within ${patienceMilliseconds} ms. ${errors} ${JSON.stringify(sessions.at(-1))}`);
      }),
    ]);
  let calls = 0;
  return {
    pageStatus: await inTime(pageStatus, "the page"),
    call(method, params = {}) {
      const id = ++calls;
      const answer = new Promise<{ result?: unknown; problem?: Problem }>((resolve) => answers.set(id, resolve));
      page.stdin?.write(`${JSON.stringify({ id, method, params })}\n`);
      return inTime(answer, method);
    },
    async session(isWanted) {
      const deadline = Date.now() + patienceMilliseconds;
      for (;;) {
        const last = sessions.at(-1);
        if (last && isWanted(last)) return last;
        if (Date.now() > deadline) throw new Error(`the session is ${JSON.stringify(sessions)} ${errors}`);
        await wait(20);
      }
    },
    async stop() {
      page.stdin?.end();
      root.run(["/bin/sh", "-c", `kill -INT "$(cat ${pidFile})"`]);
      return exited;
    },
  };
}

function lineOf(app: ChildProcess, wanted: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    const timer = setTimeout(() => reject(new Error(`The app prints no address: ${output}`)), patienceMilliseconds);
    app.stderr?.on("data", (text) => {
      output += text;
    });
    createInterface({ input: app.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      output += `${line}\n`;
      const [, found] = wanted.exec(line) ?? [];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    });
    app.once("exit", () => reject(new Error(`The app ended: ${output}`)));
  });
}
