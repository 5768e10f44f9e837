import { Select, Text } from "@mantine/core";
import type { ReadyImage } from "../../../privileged-helper/contract/model.ts";
import { formatBytes } from "../../ui/format.ts";
import { type ImageChoice, imageChoices, shownChoices } from "../../ui/image-choices.ts";
import type { ImageRow } from "../../ui/image-rows.ts";
import { listInside } from "../../ui/list-inside.ts";

type Props = {
  value: string;
  onChange(value: string): void;
  choice?: ImageChoice;
  ready: readonly ReadyImage[];
  rows: readonly ImageRow[];
  isLoading: boolean;
  error?: string;
};

/** Every image that a container can be made of, in one list that is searched by typing. */
export function ImageField({ value, onChange, choice, ready, rows, isLoading, error }: Props) {
  return (
    <div>
      <Select
        label="Image"
        placeholder={isLoading ? "Reading the lists…" : "Choose an image, or type to search"}
        data={imageChoices(ready, rows)}
        limit={shownChoices}
        searchable
        allowDeselect={false}
        nothingFoundMessage={isLoading ? "The lists are still being read." : "There is no such image. Servers are chosen in Settings."}
        {...listInside}
        value={value === "" ? null : value}
        onChange={(next) => onChange(next ?? "")}
        error={error}
      />
      {choice && (
        <Text size="xs" c="dimmed" mt={4}>
          {explainChoice(choice)}
        </Text>
      )}
    </div>
  );
}

/** What has to happen before it can start. */
function explainChoice(choice: ImageChoice): string {
  if (choice.from === "ready") return "It is ready: the container shares its files, and stores only what changes.";
  const { image, download } = choice.row;
  if (download?.state === "downloaded") return "It is here: its files are unpacked once, and later containers of it are there at once.";
  const size = image.bytes === undefined ? "" : `, ${formatBytes(image.bytes)},`;
  return `It is downloaded first${size} and unpacked once. Later containers of it are there at once.`;
}
