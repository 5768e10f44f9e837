import { Button, Group, Modal, Stack } from "@mantine/core";
import { type FormEvent, type ReactNode, useState } from "react";
import type { Action } from "../../privileged-helper/contract/methods.ts";
import { closeDialog } from "../state/dialogs.ts";
import { RightNotice } from "./right-notice.tsx";
import { useMoreBelow } from "./use-more-below.ts";
import { useRoomForToasts } from "./use-room-for-toasts.ts";

type Props = {
  title: string;
  size?: string | number;
  /** For one that may stand above another; the others are all closed in the same way. */
  onClose?: () => void;
  /** Neither Escape, which may be meant for what is in it, nor a click beside it closes it. */
  isModalUntilClosed?: boolean;
  /** Makes a form of it: Enter does what its button of type "submit" does. */
  onSubmit?: (event: FormEvent<HTMLFormElement>) => void;
  /** Stays in sight above what is scrolled. */
  head?: ReactNode;
  /** Stay in sight below it. */
  buttons?: ReactNode;
  /** As high as the window allows, so that its buttons stay where they are when its content is another one. */
  isSteady?: boolean;
  /** The right that what it is for needs: where a rule refuses that, it is said at once. */
  needs?: Action;
  children: ReactNode;
};

/** The one dialog that is open. Only its content is scrolled. */
export function Dialog({
  title,
  size,
  onClose = closeDialog,
  isModalUntilClosed = false,
  onSubmit,
  head,
  buttons,
  isSteady = false,
  needs,
  children,
}: Props) {
  const [scrolled, setScrolled] = useState<HTMLDivElement | null>(null);
  const hasMoreBelow = useMoreBelow(scrolled);
  const toastsEnd = useRoomForToasts(scrolled);
  const content = (
    <>
      {head && <div className="dialog-head">{head}</div>}
      <div ref={setScrolled} className="dialog-content">
        <Stack>
          {needs && <RightNotice action={needs} />}
          {children}
        </Stack>
      </div>
      {buttons && (
        <div className="dialog-buttons" data-more-below={hasMoreBelow || undefined}>
          {buttons}
        </div>
      )}
    </>
  );
  return (
    <Modal
      opened
      onClose={onClose}
      title={title}
      size={size}
      closeOnEscape={!isModalUntilClosed}
      closeOnClickOutside={!isModalUntilClosed}
      closeButtonProps={{ "aria-label": "Close" }}
      classNames={{ inner: "dialog-place", content: isSteady ? "dialog steady-dialog" : "dialog", body: "dialog-body" }}
      style={{ "--toasts-end": `${toastsEnd}px` }}
    >
      {onSubmit ? (
        <form onSubmit={onSubmit} noValidate>
          {content}
        </form>
      ) : (
        content
      )}
    </Modal>
  );
}

/** A dialog's buttons: the way out that changes nothing, and then what the dialog is for. */
export function DialogButtons({
  cancel = "Cancel",
  focusCancel,
  children,
}: {
  cancel?: string;
  focusCancel?: boolean;
  children?: ReactNode;
}) {
  return (
    <Group justify="flex-end" gap="sm">
      <Button variant="default" onClick={closeDialog} data-autofocus={focusCancel || undefined}>
        {cancel}
      </Button>
      {children}
    </Group>
  );
}
