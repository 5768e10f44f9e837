import { Button, Group, Modal, Stack } from "@mantine/core";
import type { FormEvent, ReactNode } from "react";
import { closeDialog } from "../state/dialogs.ts";

type Props = {
  title: string;
  size?: string | number;
  /** Neither Escape, which may be meant for what is in it, nor a click beside it closes it. */
  isModalUntilClosed?: boolean;
  /** Makes a form of it: Enter does what its button of type "submit" does. */
  onSubmit?: (event: FormEvent<HTMLFormElement>) => void;
  children: ReactNode;
};

/** The one dialog that is open. */
export function Dialog({ title, size, isModalUntilClosed = false, onSubmit, children }: Props) {
  const content = <Stack>{children}</Stack>;
  return (
    <Modal
      opened
      onClose={closeDialog}
      title={title}
      size={size}
      closeOnEscape={!isModalUntilClosed}
      closeOnClickOutside={!isModalUntilClosed}
      closeButtonProps={{ "aria-label": "Close" }}
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

/** The row at a dialog's end: the way out that changes nothing, and then what the dialog is for. */
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
    <Group justify="flex-end">
      <Button variant="default" onClick={closeDialog} data-autofocus={focusCancel || undefined}>
        {cancel}
      </Button>
      {children}
    </Group>
  );
}
