import type { Container } from "../model.ts";

/** A stopped container as it is listed, and what a test wants otherwise. */
export function sampleContainer(name: string, others: Partial<Container> = {}): Container {
  return {
    name,
    manageable: true,
    state: "stopped",
    privileged: false,
    autostart: false,
    ipv4: [],
    ipv6: [],
    clones: [],
    storage: "dir",
    ...others,
  };
}
