import { networkTypes } from "../container-network.ts";
import { lookInside, readStart } from "../look-inside.ts";
import type { AuditFacts } from "./audit-facts.ts";
import { carelessPorts } from "./careless-ports.ts";
import type { Judgement } from "./check.ts";
import { tryUsualPasswords } from "./usual-passwords.ts";

const namespaceWords: Record<string, string> = {
  net: "network",
  pid: "processes",
  ipc: "shared memory",
  uts: "host name",
  mnt: "mounts",
};

const maxFileBytes = 256 * 1024;

/** Whether what should be its own, network, processes and so on, is this computer's. */
export function checkNetwork(facts: AuditFacts): Judgement {
  const types = networkTypes(facts.entries);
  const sharing = facts.entries.filter(({ key, value }) => key.startsWith("lxc.namespace.share.") && value !== "");
  const isHostNetwork = types.length > 0 && types.every((type) => type === "none");
  const configured = [...(isHostNetwork ? ["net"] : []), ...sharing.map(({ key }) => key.slice("lxc.namespace.share.".length))];
  const shared = facts.running ? facts.running.sharedNamespaces : configured;
  const ownsDevice = types.includes("phys");
  const words = shared.map((kind) => namespaceWords[kind] ?? kind);
  const judgement: Judgement = {
    state: shared.length > 0 ? "problem" : ownsDevice ? "warning" : "ok",
    title: "Apart from this computer",
    summary:
      shared.length > 0
        ? `It shares ${words.join(", ")} with this computer or another container.`
        : ownsDevice
          ? "It has a network device of this computer for itself."
          : "Its network, processes, memory, host name and mounts are its own.",
    why: "With this computer's network it reaches services that listen for this computer alone; with its processes, the processes.",
    evidence: facts.running
      ? [`/proc/PID/ns: ${shared.length > 0 ? `${shared.join(", ")} same as this computer's` : "net, pid, ipc, uts, mnt all its own"}`]
      : [...types.map((type, index) => `lxc.net.${index}.type = ${type}`), ...sharing.map(({ key, value }) => `${key} = ${value}`)],
    fixes: [],
  };
  if (judgement.evidence.length === 0) judgement.evidence.push("lxc.net is not set: a network of its own, with nothing in it");
  if (facts.running && isHostNetwork !== shared.includes("net"))
    judgement.difference = "Its configuration says otherwise about the network: it was changed since the start.";
  return judgement;
}

/** What others can connect to: sockets that listen on all addresses. */
export function checkServices(facts: AuditFacts): Judgement {
  const common = {
    title: "Services that others reach",
    why: "Whatever listens on all addresses can be tried by every other container on its network, and by whom this computer lets through.",
    fixes: [],
  };
  if (!facts.running) return { ...common, state: "not-applicable", summary: "It does not run.", evidence: ["nothing listens"] };
  if (facts.running.sharedNamespaces.includes("net")) {
    return {
      ...common,
      state: "not-applicable",
      summary: "Its network is this computer's, so these cannot be told apart.",
      evidence: ["same network namespace"],
    };
  }
  const sockets = listeningSockets(`${facts.running.tcp}\n${facts.running.tcp6}`);
  const owners = facts.running.socketOwners(new Set(sockets.map(({ inode }) => inode)));
  const ports = [...new Set(sockets.map(({ port }) => port))];
  const programsAt = (port: number) => {
    const names = sockets.filter((one) => one.port === port).map(({ inode }) => owners.get(inode));
    return [...new Set(names.filter((name) => name !== undefined))].map(plain).join(", ");
  };
  const careless = ports.filter((port) => carelessPorts.has(port));
  return {
    ...common,
    state: careless.length > 0 ? "warning" : "ok",
    summary:
      ports.length === 0
        ? "Nothing in it listens on all addresses."
        : careless.length > 0
          ? `${careless.map((port) => `${carelessPorts.get(port)} (port ${port})`).join(", ")} can be reached by others, and often asks nobody for a password.`
          : `Others reach ${ports.length === 1 ? "one port" : `${ports.length} ports`}: ${ports
              .slice(0, 20)
              .map((port) => (programsAt(port) === "" ? String(port) : `${port} (${programsAt(port)})`))
              .join(", ")}.`,
    evidence:
      ports.length === 0
        ? ["/proc/PID/net/tcp, tcp6: none"]
        : ports
            .slice(0, 50)
            .map((port) => `TCP port ${port} on all addresses${programsAt(port) === "" ? "" : `, program ${programsAt(port)}`}`),
  };
}

/** Rows of /proc/net/tcp and tcp6 (proc_pid_net(5)): state 0A listens; an address of zeroes is all addresses; the tenth word is the inode. */
export function listeningSockets(text: string): { port: number; inode: string }[] {
  const sockets = text.split("\n").flatMap((line) => {
    const [, local = "", , state, , , , , , inode = "0"] = line.trim().split(/\s+/);
    const [address = "", port = ""] = local.split(":");
    return state === "0A" && /^0+$/.test(address) ? [{ port: Number.parseInt(port, 16), inode }] : [];
  });
  return sockets.sort((one, other) => one.port - other.port);
}

/** Accounts that anybody can log in to: without a password, with one that templates and images set, or root's from elsewhere. */
export async function checkLogins(facts: AuditFacts): Promise<Judgement> {
  const common = {
    title: "Passwords",
    why: "An account without a password, or root's that can be guessed from the network, is a door that is open.",
    fixes: [],
  };
  const shadow = readFile(facts, "/etc/shadow");
  if (shadow === undefined) {
    return {
      ...common,
      state: "not-applicable",
      summary: "It has no file of passwords.",
      evidence: ["/etc/shadow is not there or cannot be read"],
    };
  }
  const accounts = shadow.split("\n").map((line) => line.split(":"));
  const shells = new Map(
    (readFile(facts, "/etc/passwd") ?? "").split("\n").map((line) => [line.split(":")[0] ?? "", line.split(":")[6] ?? ""]),
  );
  const open = accounts
    .filter(([name = "", password]) => name !== "" && password === "" && !/(nologin|false)$/.test(shells.get(name) ?? "nologin"))
    .map(([name = ""]) => plain(name));
  const rootPassword = accounts.find(([name]) => name === "root")?.[1] ?? "*";
  const rootHasPassword = rootPassword !== "" && !/^[!*]/.test(rootPassword);
  const ssh = readSshSettings(facts);
  const byPassword = ssh !== undefined && ssh.permitRootLogin === "yes" && ssh.passwordAuthentication !== "no";
  const withPassword = accounts.flatMap(([name = "", hash = ""]) =>
    hash !== "" && !/^[!*]/.test(hash) ? [{ name: plain(name), hash }] : [],
  );
  const { known, untried } = await tryUsualPasswords(withPassword);
  const evidence = [
    open.length > 0 ? `/etc/shadow: no password for ${open.slice(0, 10).join(", ")}` : "/etc/shadow: no account is without a password",
    ssh === undefined
      ? "/etc/ssh/sshd_config is not there"
      : `sshd_config: PermitRootLogin ${ssh.permitRootLogin}, PasswordAuthentication ${ssh.passwordAuthentication}`,
    ...(known.length > 0 ? [`a password that templates and images set: ${known.join(", ")}`] : []),
    ...(untried.length > 0 ? [`passwords that could not be tried: ${untried.slice(0, 10).join(", ")}`] : []),
    ...(withPassword.length > known.length + untried.length ? ["other passwords are none of the usual ones"] : []),
  ];
  if (open.length > 0) {
    return { ...common, state: "problem", summary: `${open.slice(0, 5).join(", ")} can log in without a password.`, evidence };
  }
  if (byPassword && rootHasPassword) {
    return { ...common, state: "problem", summary: "Root can log in by SSH with a password.", evidence };
  }
  if (known.length > 0) {
    const isReached = ssh !== undefined && ssh.passwordAuthentication !== "no" && known.some((name) => name !== "root" || byPassword);
    return {
      ...common,
      state: isReached ? "problem" : "warning",
      summary: `Everybody can guess the password of ${known.slice(0, 5).join(", ")}${isReached ? ", and SSH takes it" : ""}.`,
      evidence,
    };
  }
  if (untried.length > 0) {
    return {
      ...common,
      state: "unknown",
      summary: `Whether everybody can guess the password of ${untried.slice(0, 5).join(", ")} could not be told.`,
      evidence,
    };
  }
  return {
    ...common,
    state: "ok",
    summary: "No account is without a password or has a usual one, and root cannot log in by SSH with one.",
    evidence,
  };
}

/** sshd_config(5): the first value of a keyword counts, and files of sshd_config.d are read where they are included, at its top. */
function readSshSettings(facts: AuditFacts): { permitRootLogin: string; passwordAuthentication: string } | undefined {
  const own = readFile(facts, "/etc/ssh/sshd_config");
  if (own === undefined) return undefined;
  const text = [...includedBySsh(facts, own), own.split(/^\s*Match\s/im)[0] ?? ""].join("\n");
  const first = (keyword: string, usual: string) => new RegExp(`^\\s*${keyword}\\s+(\\S+)`, "im").exec(text)?.[1]?.toLowerCase() ?? usual;
  const sure = (value: string) => (/^[a-z-]{1,30}$/.test(value) ? value : "?");
  return {
    permitRootLogin: sure(first("PermitRootLogin", "prohibit-password")),
    passwordAuthentication: sure(first("PasswordAuthentication", "yes")),
  };
}

/** Names that Debian, Ubuntu, Fedora and cloud images use: a folder of the container's is not listed. */
const usualSshFiles = ["10-root-login.conf", "50-cloud-init.conf", "60-cloudimg-settings.conf", "50-redhat.conf", "99-custom.conf"];
function includedBySsh(facts: AuditFacts, own: string): string[] {
  if (!/^\s*Include\s+\/etc\/ssh\/sshd_config\.d\//im.test(own)) return [];
  return usualSshFiles.toSorted().flatMap((name) => readFile(facts, `/etc/ssh/sshd_config.d/${name}`) ?? []);
}

function readFile(facts: AuditFacts, path: string): string | undefined {
  const found = lookInside(facts.layers, path);
  return found?.type === "file" ? readStart(found, maxFileBytes).toString("utf8") : undefined;
}

/** A name out of a container may be anything. */
function plain(name: string): string {
  return name.replace(/[^A-Za-z0-9._-]/g, "?").slice(0, 32);
}
