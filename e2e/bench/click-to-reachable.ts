import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { Container } from "../../privileged-helper/contract/model.ts";
import type { HelperClient } from "../../privileged-helper/testing/helper-client.ts";
import { type Figure, median, milliseconds } from "./figures.ts";

const rounds = 15;
/**
 * dnsmasq pings an address before it gives it away, but not when it has just pinged several (dhcp.c, address_allocate: 6 in 30 s).
 * A person who starts one container waits for the ping, so the rounds are as far apart as that takes.
 */
const roundsApartMilliseconds = 6_000;

/**
 * From the click on Start of a container that has never run until it answers on the network: with the address that was
 * reserved when it was made, against the same container asking DHCP. An answer is one of its kernel's: here the refusal of
 * a connection, since nothing listens inside.
 */
export async function clickToReachableFigures(helper: HelperClient, lxcPath: string, base: string): Promise<Figure[]> {
  const known = new Map<string, Container>();
  let onKnown = () => {};
  helper.on("containers.changed", ({ changed }) => {
    for (const container of changed) known.set(container.name, container);
    onKnown();
  });
  await helper.call("containers.watch", {});

  /** The address that DHCP gave, as soon as the helper tells of it. */
  const addressByDhcp = (name: string) =>
    new Promise<string>((resolve) => {
      const look = () => {
        const address = known.get(name)?.ipv4[0];
        if (!address) return;
        onKnown = () => {};
        resolve(address);
      };
      onKnown = look;
      look();
    });
  const reservedAddress = (name: string) => {
    const config = readFileSync(join(lxcPath, name, "config"), "utf8");
    const settingOf = (key: string) => new RegExp(`^lxc\\.net\\.0\\.${key} = ([^\\s/]+)`, "m").exec(config)?.[1] ?? "";
    const address = settingOf("ipv4.address");
    // Asking too early who has the address would have the kernel ask again only a second later.
    const neighbour = [address, "lladdr", settingOf("hwaddr"), "dev", settingOf("link"), "nud", "reachable"];
    execFileSync("/usr/sbin/ip", ["neighbour", "replace", ...neighbour]);
    return address;
  };
  const measure = async (address: "static" | "dhcp") => {
    const name = "reached";
    await helper.call("containers.create", { name, source: { type: "clone", from: base }, unprivileged: true, start: false, address });
    const reserved = address === "static" ? reservedAddress(name) : undefined;
    const start = performance.now();
    const started = helper.call("containers.start", { name });
    // It may answer a moment before lxc-start is done.
    await answerOf(reserved ?? (await addressByDhcp(name)));
    const took = performance.now() - start;
    await started;
    await helper.call("containers.forceStop", { name });
    await helper.call("containers.destroy", { name });
    known.delete(name);
    return took;
  };

  const fixed: number[] = [];
  const dhcp: number[] = [];
  for (let round = -1; round < rounds; round++) {
    await new Promise((resolve) => setTimeout(resolve, roundsApartMilliseconds));
    const theirs = await measure("dhcp");
    const ours = await measure("static");
    if (round < 0) continue;
    fixed.push(ours);
    dhcp.push(theirs);
  }
  await helper.call("containers.unwatch", {});
  const ratio = median(dhcp) / median(fixed);
  return [
    {
      name: "Click on Start of a fresh container to reachable, against the same with DHCP",
      ours: milliseconds(median(fixed)),
      theirs: milliseconds(median(dhcp)),
      result: `${ratio.toFixed(0)} times faster`,
      bar: "at least 100 times faster",
      met: ratio >= 100,
    },
  ];
}

/** Asks again and again, a new connection each time, because a lost first packet of one would be repeated after a second only. */
function answerOf(address: string): Promise<void> {
  return new Promise((resolve) => {
    let isAnswered = false;
    const attempt = () => {
      if (isAnswered) return;
      const socket = connect({ host: address, port: 9 });
      const answered = () => {
        socket.destroy();
        isAnswered = true;
        resolve();
      };
      socket.once("connect", answered);
      socket.once("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "ECONNREFUSED") answered();
      });
      setTimeout(() => socket.destroy(), attemptMilliseconds);
      setTimeout(attempt, againMilliseconds);
    };
    attempt();
  });
}
const attemptMilliseconds = 1_000;
const againMilliseconds = 2;
