import { ProblemError, toProblem } from "../contract/problems.ts";
import { type ConfigEntry, lastValueOf } from "./config.ts";
import type { OperationContext } from "./context.ts";
import {
  type Bridge,
  foreseeReservation,
  foreseeSetUp,
  type Reservation,
  randomMac,
  readBridge,
  releaseAddress,
  reserveAddress,
  setUpReservations,
} from "./network.ts";

/** Where a new container's MAC and address come from: they are taken for it, or only foreseen. */
export type NetworkIdentity = {
  /** @throws ProblemError Why it can have none. */
  reserve(bridge: Bridge): Promise<Reservation>;
  /** Of one that gets its address later. */
  mac(): string;
  notice(sentence: string): void;
};

/** A MAC that LXC itself replaces by a random one (lxc.container.conf(5)). */
export const anyMac = "00:16:3e:xx:xx:xx";

/** Its very own. The reservation is undone with the task. */
export function takenIdentity(context: OperationContext, name: string): NetworkIdentity {
  const { lxcPath, task } = context;
  return {
    async reserve(bridge) {
      await setUpReservations(task);
      const reservation = reserveAddress(context, name, bridge);
      task.onUndo(() => releaseAddress(lxcPath, name));
      return reservation;
    },
    mac: randomMac,
    notice: task.notice,
  };
}

/** What it would get now, which nobody keeps for it. @param foreseen Is told what would run, and what would be noticed. */
export function foreseenIdentity(
  world: Pick<OperationContext, "lxcPath" | "reader">,
  foreseen: { commands: string[][]; notices: string[] },
): NetworkIdentity {
  return {
    async reserve(bridge) {
      foreseen.commands.push(...foreseeSetUp());
      return foreseeReservation(world, bridge);
    },
    mac: () => anyMac,
    notice: (sentence) => foreseen.notices.push(sentence),
  };
}

/** Keys of the first network interface that a new container gets values of its own for. */
const ownKeys = new Set(["lxc.net.0.hwaddr", "lxc.net.0.ipv4.address", "lxc.net.0.ipv4.gateway"]);

/** True for a line that must not be copied from a configuration that another container has, or that is for all. */
export function isOwnNetworkKey(key: string): boolean {
  return ownKeys.has(key);
}

/** What each of a container's interfaces is, where the last of several lines counts. @param entries Its configuration with everything that it includes. */
export function networkTypes(entries: readonly ConfigEntry[]): string[] {
  const keys = new Set(entries.map(({ key }) => key).filter((key) => /^lxc\.net\.\d+\.type$/.test(key)));
  return [...keys].flatMap((key) => lastValueOf(entries, key) ?? []);
}

/** True where a container has this computer's own interfaces. @param entries Its configuration with everything that it includes. */
export function usesHostNetwork(entries: readonly ConfigEntry[]): boolean {
  return networkTypes(entries).includes("none");
}

/**
 * Lines that give a new container its MAC and, where that was asked for and can be done, an address that is there at once.
 * Where no address can be reserved a notice says why.
 * @param entries The configuration that the container is going to have.
 */
export async function networkEntries(
  identity: NetworkIdentity,
  name: string,
  entries: readonly ConfigEntry[],
  wanted: "static" | "dhcp",
): Promise<[key: string, value: string][]> {
  const type = lastValueOf(entries, "lxc.net.0.type");
  if (type === undefined || type === "none" || type === "empty") return [];
  const link = lastValueOf(entries, "lxc.net.0.link");
  if (wanted === "static") {
    const bridge = readBridge();
    const obstacle = explainObstacle(type, link, bridge);
    if (bridge && obstacle === undefined) {
      try {
        const reservation = await identity.reserve(bridge);
        return [
          ["lxc.net.0.hwaddr", reservation.mac],
          // Without its broadcast address, the second word, LXC would set a wrong one.
          ["lxc.net.0.ipv4.address", `${reservation.address}/${reservation.prefix} ${reservation.broadcast}`],
          ["lxc.net.0.ipv4.gateway", reservation.gateway],
        ];
      } catch (error) {
        if (error instanceof ProblemError && error.problem.code === "cancelled") throw error;
        identity.notice(
          `No address could be reserved for ${name}, so it asks for one by DHCP, which takes some seconds. ${describeCause(error)}`,
        );
      }
    } else {
      identity.notice(`${obstacle} ${name} asks for an address by DHCP, which takes some seconds.`);
    }
  }
  return [["lxc.net.0.hwaddr", identity.mac()]];
}

function explainObstacle(type: string, link: string | undefined, bridge: Bridge | undefined): string | undefined {
  if (!bridge) return "LXC's own bridge is not there, so no address can be reserved.";
  if (type !== "veth" || link !== bridge.name) return `It is not on LXC's own bridge ${bridge.name}, so no address can be reserved.`;
  return undefined;
}

function describeCause(error: unknown): string {
  const problem = toProblem(error);
  if (problem.code === "command-failed") return problem.summary;
  if (problem.code === "not-supported") return problem.what;
  return problem.code === "internal" ? problem.detail : problem.code;
}
