import { Alert, Badge, Button, Card, Group, SimpleGrid, Skeleton, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import type { Client } from "../../backend/client.ts";
import { useAnswer } from "../../state/answer.ts";
import { openDialog } from "../../state/dialogs.ts";
import { useIsLive } from "../../state/live.ts";
import { formatList } from "../../ui/format.ts";
import { Page } from "../../ui/page.tsx";
import { ProblemView } from "../../ui/problem-view.tsx";

const askTemplates = (client: Client) => client.call("templates.list", {});

/** What containers can be made of: LXC's templates, and every stopped container as the base of a clone. */
export function ImagesPage() {
  const isLive = useIsLive();
  const { answer: templates, problem, askAgain } = useAnswer(askTemplates);
  return (
    <Page
      title="Images"
      actions={
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => openDialog({ type: "create" })} disabled={!isLive}>
          Create container
        </Button>
      }
    >
      <Text size="sm" mb="md" maw={720}>
        A container is made from one of LXC's templates, or cloned from a container that is stopped. These templates are installed here.
      </Text>
      {problem && (
        <Alert color="red">
          <ProblemView problem={problem} onRetry={askAgain} />
        </Alert>
      )}
      {!templates && !problem && <Skeleton height={90} role="status" aria-label="Loading templates" />}
      {templates?.length === 0 && (
        <Text size="sm">None. Install your distribution's package with LXC's templates (lxc-templates), then open this page again.</Text>
      )}
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} component="ul" className="plain-list" aria-label="Templates">
        {(templates ?? []).map(({ name, title, description, needsNetwork, missingTools }) => (
          <Card key={name} component="li" withBorder padding="md">
            <Group justify="space-between" mb={4} wrap="nowrap">
              <Text fw={600}>{title}</Text>
              {needsNetwork !== undefined && (
                <Badge variant="light" color={needsNetwork ? "gray" : "teal"} tt="none">
                  {needsNetwork ? "Downloads" : "Works offline"}
                </Badge>
              )}
            </Group>
            <Text size="sm">{description}</Text>
            {missingTools.length > 0 && (
              <Text size="sm" mt="xs" className="warning">
                Needs {formatList(missingTools)}, not installed here.
              </Text>
            )}
          </Card>
        ))}
      </SimpleGrid>
    </Page>
  );
}
