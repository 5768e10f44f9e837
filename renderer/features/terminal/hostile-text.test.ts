import { describe, expect, it } from "vitest";
import { cleanPaste, cleanTitle, linesOf, maxClipboardBytes, parseClipboardRequest, realAddress, visibleText } from "./hostile-text.ts";

const base64 = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

describe("a title", () => {
  it("is one short line of what can be seen", () => {
    expect(cleanTitle("  vim\tnotes\n.txt ")).toBe("vim notes .txt");
    expect(cleanTitle("\u202Egpj.exe\u202C")).toBe("gpj.exe");
    expect(cleanTitle("a\u2028b\u2066c\u200Bd\u0007\u009Fe")).toBe("a b c d e");
    expect(cleanTitle("x".repeat(5_000_000))).toHaveLength(80);
    expect([...cleanTitle("😀".repeat(500))]).toHaveLength(80);
    expect(cleanTitle("\u001b[2J")).toBe("[2J");
  });
});

describe("what is shown before it is copied or pasted", () => {
  it("hides nothing", () => {
    expect(visibleText("rm\u001b[8m -rf\u0000\u007f\n\tx")).toBe("rm␛[8m -rf␀␡\n\tx");
    expect(visibleText("a\u202Eb\u200Bc\u2028d")).toBe("a<U+202E>b<U+200B>c<U+2028>d");
    expect(visibleText("y".repeat(1_000))).toBe(`${"y".repeat(400)}…`);
  });
});

describe("what is pasted", () => {
  it("cannot end the bracket that tells a program that it is pasted", () => {
    expect(cleanPaste("ls\u001b[201~\nrm -rf /\u0003")).toBe("ls[201~\nrm -rf /");
    expect(cleanPaste("\u009b201~ä€😀\tx\r\n")).toBe("201~ä€😀\tx\r\n");
  });

  it("is as many lines as a shell would see", () => {
    expect(linesOf("one")).toHaveLength(1);
    expect(linesOf("one\n")).toHaveLength(1);
    expect(linesOf("one\r\ntwo\rthree\nfour")).toHaveLength(4);
    expect(linesOf("\n\n")).toHaveLength(2);
  });
});

describe("what a program asks of the clipboard", () => {
  it("is text to copy, or it is nothing", () => {
    expect(parseClipboardRequest(`c;${base64("grüße 😀")}`)).toEqual({ type: "write", text: "grüße 😀" });
    expect(parseClipboardRequest(`;${base64("x")}`)).toEqual({ type: "write", text: "x" });
    for (const wrong of ["", "c", "c;", "c;%%%", "c;/////w==", `${"c".repeat(20)};eA==`]) {
      expect(parseClipboardRequest(wrong)).toEqual({ type: "invalid" });
    }
  });

  it("is never told to it", () => {
    expect(parseClipboardRequest("c;?")).toEqual({ type: "read" });
  });

  it("is no more than a person can look at", () => {
    expect(parseClipboardRequest(`c;${base64("x".repeat(maxClipboardBytes))}`)).toMatchObject({ type: "write" });
    expect(parseClipboardRequest(`c;${base64("x".repeat(maxClipboardBytes + 3))}`)).toEqual({ type: "too-long" });
    expect(parseClipboardRequest(`c;${"A".repeat(9_000_000)}`)).toEqual({ type: "too-long" });
  });
});

describe("a link", () => {
  it("shows where it really leads", () => {
    expect(realAddress("https://pаypal.com/")?.href).toBe("https://xn--pypal-4ve.com/");
    expect(realAddress("https://example.org@evil.test/\u202Egpj")?.href).toBe("https://example.org@evil.test/%E2%80%AEgpj");
    expect(realAddress("https://example.org@evil.test/")?.host).toBe("evil.test");
  });

  it("has nothing in it that a terminal, a shell or a header would obey", () => {
    for (const text of ["https://x.test/\n\r\u001b]0;x\u0007", "https://x.test/a b'\"<>`", "http://x.test/#\u2028\u202e"]) {
      expect(realAddress(text)?.href, JSON.stringify(text)).toMatch(/^https?:\/\/x\.test\/[!-~]*$/);
    }
  });

  it("leads nowhere else than to the web", () => {
    for (const link of [
      "javascript:alert(1)",
      "file:///etc/passwd",
      "data:text/html,x",
      "mailto:a@b.c",
      "app://x",
      "",
      "//x",
      "vscode://file/etc/passwd",
      "JaVaScRiPt:alert(1)",
      " javascript:alert(1)",
      "java\nscript:alert(1)",
      "blob:https://example.org/x",
      "view-source:https://example.org",
      "https://",
      "x".repeat(9_000),
    ]) {
      expect(realAddress(link)).toBeUndefined();
    }
  });
});
