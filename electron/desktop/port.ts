import type { IpcMainEvent, MessagePortMain, WebContents, WebFrameMain } from "electron";
import { ipcMain, MessageChannelMain } from "electron";
import type { Port } from "../../privileged-helper/wire/port.ts";
import type { PageKind } from "../backend/backend.ts";
import { pageOrigin } from "./scheme.ts";

/**
 * Hands a port to our pages when they ask, and to nobody else: the asker has to be the main frame of a window of ours, showing
 * our own page.
 * @param kindOf What a window shows; undefined where it is none of ours.
 * @param accept Gets the host's end of each port.
 */
export function handOutPorts(kindOf: (contents: WebContents) => PageKind | undefined, accept: (port: Port, kind: PageKind) => void): void {
  ipcMain.on("lxc-desktop:want-port", ({ sender, senderFrame }: IpcMainEvent) => {
    const kind = kindOf(sender);
    if (kind === undefined || !isOurPage(senderFrame, sender.mainFrame)) return;
    const { port1, port2 } = new MessageChannelMain();
    accept(portOf(port1), kind);
    sender.postMessage("lxc-desktop:port", undefined, [port2]);
  });
}

function isOurPage(frame: WebFrameMain | null, mainFrame: WebFrameMain): boolean {
  return frame !== null && frame === mainFrame && frame.origin === pageOrigin;
}

/** A MessagePortMain as a port. Closing it tells the page; a page that goes away closes it from the other side. */
function portOf(channel: MessagePortMain): Port {
  let closed = false;
  let onClose: (reason: string) => void = () => {};
  const finish = (reason: string) => {
    if (closed) return;
    closed = true;
    onClose(reason);
  };
  channel.on("close", () => finish("the page went away"));
  return {
    send(message) {
      if (!closed) channel.postMessage(message);
    },
    onMessage(listener) {
      channel.on("message", ({ data }) => {
        if (data instanceof Uint8Array) listener(data);
      });
      channel.start();
    },
    onClose(listener) {
      onClose = listener;
    },
    close(reason = "closed") {
      channel.close();
      finish(reason);
    },
  };
}
