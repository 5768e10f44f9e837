import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { spawn } from "node-pty";
import { createWriter, openSystemBus } from "./system-bus.ts";
import { asTestUser, testUserEnvironment, userName } from "./test-user.ts";

/** What polkit has a person asked, in the words that the person reads. */
export type Question = { action: string; message: string };

/** Asks in a person's place, for what one process wants to do; a desktop's agent does so for a whole session. */
export type PolkitAgent = {
  /** All that was asked so far. */
  questions: readonly Question[];
  /** How often polkit took a question back. */
  withdrawn(): number;
  /** What polkit's own agent showed in its terminal. */
  output(): string;
  /** Ends it; another one may take its place. */
  close(): Promise<void>;
};

/** A password, or the promise of one: until then the question stays open. */
export type Answer = (question: Question) => string | Promise<string>;

const echoCheckMilliseconds = 10;
const agentPath = "/org/lxcdesktop/test/agent";
const authority = {
  destination: "org.freedesktop.PolicyKit1",
  path: "/org/freedesktop/PolicyKit1/Authority",
  interface: "org.freedesktop.PolicyKit1.Authority",
};

/** polkit's own agent for terminals, run by that user in a terminal in which a script types the passwords. */
export async function startPasswordAgent(pid: number, answer: Answer, user = userName): Promise<PolkitAgent> {
  // The agent closes the given descriptor when it has registered, which ends what `read` waits for.
  const script = 'tty; pkttyagent --process "$1" --notify-fd 3 3>&1 >/dev/tty | { read -r _; echo "agent is registered"; }';
  const [file, args] = asTestUser("/bin/sh", ["-c", script, "sh", String(pid)], user);
  const environment = Object.fromEntries(Object.entries(testUserEnvironment()).flatMap(([name, value]) => (value ? [[name, value]] : [])));
  const terminal = spawn(file, args, { name: "dumb", cols: 500, rows: 50, cwd: "/", env: environment });
  const questions: Question[] = [];
  let output = "";
  let read = 0;
  const exited = new Promise<void>((resolve) => terminal.onExit(() => resolve()));
  const type = async (answered: string | Promise<string>) => {
    const password = await answered;
    // The agent throws away what was typed before it has turned off the echo, which it does after it has asked.
    const path = /^\/dev\/pts\/\d+/.exec(output)?.[0] ?? "";
    while (existsSync(path) && !(await settingsOf(path)).split(/\s+/).includes("-echo")) await setTimeout(echoCheckMilliseconds);
    terminal.write(`${password}\n`);
  };
  await new Promise<void>((resolve, reject) => {
    terminal.onData((text) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the heading is coloured
      output += text.replace(/\u001b\[[\d;]*m/g, "");
      if (output.includes("agent is registered")) resolve();
      const prompt = /==== AUTHENTICATING FOR (\S+) ====\s+([^\r\n]+)[\s\S]*?Password: /g;
      prompt.lastIndex = read;
      const match = prompt.exec(output);
      if (!match) return;
      read = prompt.lastIndex;
      const question = { action: match[1] ?? "", message: match[2] ?? "" };
      questions.push(question);
      void type(answer(question));
    });
    void exited.then(() => reject(new Error(`the agent has ended and printed: ${output}`)));
  });
  return {
    questions,
    withdrawn: () => output.split("Cancelled").length - 1,
    output: () => output,
    close() {
      terminal.kill("SIGKILL");
      return exited;
    },
  };
}

/** A terminal's settings, in the words of stty(1); none once it is gone. */
async function settingsOf(terminal: string): Promise<string> {
  const { stdout } = await promisify(execFile)("/usr/bin/stty", ["-a", "-F", terminal]).catch(() => ({ stdout: "" }));
  return stdout;
}

/**
 * An agent whose person closes the dialog. polkit's own one knows no way to say so, so this one speaks D-Bus itself, and says what
 * desktops' agents say.
 */
export async function startDismissingAgent(
  pid: number,
  dismiss: (question: Question) => void | Promise<void> = () => {},
): Promise<PolkitAgent> {
  const questions: Question[] = [];
  let withdrawn = 0;
  const bus = await openSystemBus((call) => {
    if (call.member === "CancelAuthentication") withdrawn += 1;
    if (call.member !== "BeginAuthentication") return call.reply();
    const [action = "", message = ""] = call.readStrings(2);
    const question = { action, message };
    questions.push(question);
    void Promise.resolve(dismiss(question)).then(() =>
      call.replyError("org.freedesktop.PolicyKit1.Error.Cancelled", "The dialog was closed"),
    );
  });
  const subject = subjectOf(pid);
  await bus.call(authority, "RegisterAuthenticationAgent", "(sa{sv})ss", subject().string("C.UTF-8").string(agentPath).finish());
  let closed: Promise<void> | undefined;
  return {
    questions,
    withdrawn: () => withdrawn,
    output: () => "",
    close() {
      closed ??= bus
        .call(authority, "UnregisterAuthenticationAgent", "(sa{sv})s", subject().string(agentPath).finish())
        // polkit forgets the agents of processes that have ended by itself.
        .catch(() => {})
        .then(bus.close);
      return closed;
    },
  };
}

/** (sa{sv}): the process, and when it began, so that no other of that number is meant. */
function subjectOf(pid: number) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const startTicks = BigInt(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[22 - 3] ?? 0);
  return () => {
    const writer = createWriter().align(8).string("unix-process");
    return writer.array(() => {
      writer.align(8).string("pid").signature("u").uint32(pid);
      writer.align(8).string("start-time").signature("t").uint64(startTicks);
    });
  };
}
