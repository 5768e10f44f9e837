import { expect, it } from "vitest";
import { heldRights, rightAnswerText } from "./rights-text.ts";

it("says whether a password is asked for once or each time", () => {
  expect(rightAnswerText("asks", false)).toBe("With a password");
  expect(rightAnswerText("asks", true)).toBe("With a password, each time");
  expect(rightAnswerText("refused", true)).toBe("May not");
});

it("lists what is still remembered, by whomever, what ends first before the rest", () => {
  const remembered = [
    { action: "host", until: 3000 },
    { action: "import", container: "a", until: 999 },
  ];
  expect(heldRights({ answers: {}, remembered, kept: [{ action: "view", until: 2000 }] }, 1000).map(({ action }) => action)).toEqual([
    "view",
    "host",
  ]);
  expect(heldRights({ answers: {}, remembered: [] }, 1000)).toEqual([]);
});
