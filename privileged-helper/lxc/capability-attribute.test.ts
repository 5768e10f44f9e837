import { describe, expect, it } from "vitest";
import { capabilitiesFor } from "./capability-attribute.ts";

/** As `setcap cap_net_raw,cap_setuid+ep FILE` writes it. */
const plain = Buffer.from("0100000280200000000000000000000000000000", "hex");
/** As `setcap -n 1000000 cap_net_raw,cap_setuid+ep FILE` does. */
const ofContainer = Buffer.from("010000038020000000000000000000000000000040420f00", "hex");

describe("the capabilities of a file", () => {
  it("become those of the containers that have these ids", () => {
    expect(capabilitiesFor(plain, 1_000_000)).toEqual(ofContainer);
    expect(capabilitiesFor(ofContainer, 1_000_000)).toEqual(ofContainer);
  });

  it("become those of the host for privileged containers", () => {
    expect(capabilitiesFor(ofContainer, undefined)).toEqual(plain);
    expect(capabilitiesFor(plain, undefined)).toEqual(plain);
  });

  it.each(["", "01000002", `${plain.toString("hex")}00`, plain.toString("hex").replace("02", "01"), "00".repeat(20), "ff".repeat(24)])(
    "are none where the attribute is not one: %s",
    (hex) => {
      expect(capabilitiesFor(Buffer.from(hex, "hex"), 1_000_000)).toBeUndefined();
    },
  );
});
