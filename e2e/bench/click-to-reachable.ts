import { connect } from "node:net";
import type { Container } from "../../privileged-helper/contract/model.ts";
import { type Figure, median, milliseconds } from "./figures.ts";
import type { HelperClient } from "./helper-client.ts";

const rounds = 15;

/**
 * From the click on Create (an overlay clone, started) until the new container answers on the network: with the address
 * reserved at creation, against the same container asking DHCP. An answer is an answer of its kernel: here the refusal
 * of a connection, since nothing listens inside.
 */
export async function clickToReachableFigures(helper: HelperClient, base: string): Promise<Figure[]> {
  const known = new Map<string, Container>();
  let onKnown = () => {};
  const remember = (containers: Container[]) => {
    for (const container of containers) known.set(container.name, container);
    onKnown();
  };
  helper.on("containers.changed", ({ changed, removed }) => {
    remember(changed);
    for (const name of removed) known.delete(name);
  });
  remember((await helper.call("containers.watch", {})).containers);

  const addressOf = (name: string) =>
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
  const measure = async (address: "static" | "dhcp") => {
    const start = performance.now();
    await helper.call("containers.create", {
      name: "reached",
      source: { type: "clone", from: base },
      unprivileged: true,
      start: true,
      address,
    });
    await answerOf(await addressOf("reached"));
    const took = performance.now() - start;
    await helper.call("containers.forceStop", { name: "reached" });
    await helper.call("containers.destroy", { name: "reached" });
    known.delete("reached");
    return took;
  };

  const fixed: number[] = [];
  const dhcp: number[] = [];
  for (let round = -2; round < rounds; round++) {
    const ours = await measure("static");
    const theirs = await measure("dhcp");
    if (round < 0) continue;
    fixed.push(ours);
    dhcp.push(theirs);
  }
  await helper.call("containers.unwatch", {});
  const ratio = median(dhcp) / median(fixed);
  return [
    {
      name: "Click to reachable on the network, against the same with DHCP",
      ours: milliseconds(median(fixed)),
      theirs: milliseconds(median(dhcp)),
      result: `${ratio.toFixed(0)} times faster`,
      bar: "at least 100 times faster",
      met: ratio >= 100,
    },
  ];
}

function answerOf(address: string): Promise<void> {
  return new Promise((resolve) => {
    const attempt = () => {
      const socket = connect({ host: address, port: 9, timeout: 1000 });
      const again = () => {
        socket.destroy();
        setImmediate(attempt);
      };
      socket.once("connect", () => {
        socket.destroy();
        resolve();
      });
      socket.once("timeout", again);
      socket.once("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "ECONNREFUSED") resolve();
        else again();
      });
    };
    attempt();
  });
}
