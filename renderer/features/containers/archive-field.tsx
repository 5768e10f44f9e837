import { FileInput } from "@mantine/core";

/** A file of the person's, whose bytes the page hands on: nobody opens a path of it as root. */
export function ArchiveField({ value, onChange, error }: { value?: File; onChange(file: File | undefined): void; error?: string }) {
  return (
    <FileInput
      label="Archive"
      placeholder="Choose a file"
      description="A root file system as tar, .tar.gz, .tar.xz or .tar.zst. It is judged before it is unpacked: what would lead out of the container is refused."
      accept=".tar,.gz,.tgz,.xz,.txz,.zst,.tzst"
      clearable
      clearButtonProps={{ "aria-label": "Choose no file" }}
      value={value ?? null}
      onChange={(file) => onChange(file ?? undefined)}
      error={error}
    />
  );
}
