import type { AuditFacts, RunningFacts } from "../lxc/audit/audit-facts.ts";
import { parseConfig } from "../lxc/config.ts";

type Given = Partial<Omit<AuditFacts, "running" | "entries" | "read">> & {
  /** Lines of its configuration. */
  config?: string;
  files?: Record<string, string>;
  running?: Partial<RunningFacts>;
};

const everything = "000001ffffffffff";

/** Facts of a container that is stopped and has nothing that is worth mentioning, but for what is given. */
export function auditFacts({ config = "", files = {}, running, ...given }: Given = {}): AuditFacts {
  const entries = parseConfig(config);
  return {
    name: "web",
    lxcPath: "/var/lib/lxc",
    entries,
    ownEntries: entries,
    configFiles: ["/var/lib/lxc/web/config"],
    storage: "dir",
    layers: [],
    rootDisk: { device: "8:0" },
    othersIdmaps: new Map(),
    controllerVersion: () => "v2",
    read: (path) => files[path],
    status: () => undefined,
    hasProgram: () => true,
    now: Date.UTC(2026, 0, 10),
    ...given,
    ...(running && { running: { ...quietly, ...running } }),
  };
}

/** As a privileged container without any restriction has it. */
const quietly: RunningFacts = {
  status: statusText({}),
  uidMap: "         0          0 4294967295\n",
  gidMap: "         0          0 4294967295\n",
  mountinfo: "",
  limits: { memory: [], processes: [], "processor-time": [] },
  inputOutput: [],
  sharedNamespaces: [],
  tcp: "",
  tcp6: "",
  ipv4: [],
  socketOwners: () => new Map(),
};

/** Lines of /proc/PID/status. */
export function statusText(fields: Record<string, string>): string {
  const all = { CapEff: everything, CapBnd: everything, NoNewPrivs: "0", Seccomp: "0", Seccomp_filters: "0", ...fields };
  return Object.entries(all)
    .map(([field, value]) => `${field}:\t${value}\n`)
    .join("");
}

export const unprivilegedMap = "         0     100000      65536\n";
