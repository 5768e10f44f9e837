import { ActionIcon, Button, Group, Input, Stack, Textarea } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";

type Props = {
  label: string;
  description: string;
  /** What one of them is called: "Argument". */
  item: string;
  words: readonly string[];
  onChanged(words: string[]): void;
  error?: string;
};

/** Words one below the other, each as it is: there may be blanks and line breaks in it, and nothing is quoted. */
export function WordList({ label, description, item, words, onChanged, error }: Props) {
  const replace = (index: number, ...by: string[]) => onChanged(words.toSpliced(index, 1, ...by));
  return (
    <Input.Wrapper component="fieldset" className="word-list" label={label} labelElement="div" description={description} error={error}>
      <Stack gap={4} mt={4}>
        {words.map((word, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a word is known by its place
          <Group key={index} gap={4} wrap="nowrap" align="flex-start">
            <Textarea
              aria-label={`${item} ${index + 1}`}
              className="word"
              autosize
              minRows={1}
              maxRows={6}
              spellCheck={false}
              autoComplete="off"
              value={word}
              error={error !== undefined && words.length === 1}
              onChange={(event) => replace(index, event.currentTarget.value)}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              aria-label={`Remove ${item.toLowerCase()} ${index + 1}`}
              onClick={() => replace(index)}
            >
              <IconX size={16} aria-hidden />
            </ActionIcon>
          </Group>
        ))}
        <Button
          variant="default"
          size="compact-sm"
          style={{ alignSelf: "flex-start" }}
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => onChanged([...words, ""])}
        >
          Add {item.toLowerCase()}
        </Button>
      </Stack>
    </Input.Wrapper>
  );
}
