import { Alert, Button, Group, Text } from "@mantine/core";
import { openConnection } from "../state/connection.ts";

/** Above what was shown before the connection was lost. */
export function LostBanner() {
  return (
    <Alert color="yellow" m="sm" role="alert" title="There is no connection to LXC Desktop">
      <Group>
        <Text size="sm">What you see may be out of date. Containers go on running. If the app has ended, start it again.</Text>
        <Button size="compact-sm" onClick={() => void openConnection()}>
          Try again
        </Button>
      </Group>
    </Alert>
  );
}
