import { expect, it } from "vitest";
import { parseConfig } from "./config.ts";
import { usesHostNetwork } from "./container-network.ts";

it.each([
  ["lxc.net.0.type = none", true],
  ["lxc.net.0.type = veth\nlxc.net.1.type = none", true],
  ["lxc.net.0.type = veth\nlxc.net.0.type = none", true],
  ["lxc.net.0.type = none\nlxc.net.0.type = empty", false],
  ["lxc.net.0.type = none\nlxc.net =\nlxc.net.0.type = veth", false],
  ["lxc.net.0.type = empty", false],
  ["lxc.net.0.link = none", false],
  ["", false],
])("%j has this computer's own network: %s", (text, expected) => {
  expect(usesHostNetwork(parseConfig(text))).toBe(expected);
});
