/** For lists of choices in dialogs: the list belongs to the dialog, for those who cannot see where it is drawn; and it scrolls by itself. */
export const listInside = {
  comboboxProps: { withinPortal: false, floatingStrategy: "fixed" },
  withScrollArea: false,
  styles: { options: { maxHeight: 220, overflowY: "auto" } },
} as const;
