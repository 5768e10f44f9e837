import { Button, Stack, Text, Title } from "@mantine/core";
import { IconBug } from "@tabler/icons-react";
import { Component, type ReactNode } from "react";
import { Details } from "../ui/problem-view.tsx";

type Props = {
  /** Something else here is another attempt. */
  of: unknown;
  /** Told instead of saying so in its place. */
  onError?: (error: Error) => void;
  children: ReactNode;
};
type State = { error?: Error };

/** Says so where something cannot be drawn, instead of leaving everything blank. React offers this to classes only. */
export class ErrorBoundary extends Component<Props, State> {
  override state: State = {};

  static getDerivedStateFromError(thrown: unknown): State {
    return { error: thrown instanceof Error ? thrown : new Error(String(thrown)) };
  }

  override componentDidUpdate(before: Props) {
    if (this.state.error && before.of !== this.props.of) this.setState({ error: undefined });
  }

  override componentDidCatch(error: Error) {
    this.props.onError?.(error);
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    if (this.props.onError) return null;
    return (
      <div className="session-screen">
        <Stack align="center" gap="sm" maw={560}>
          <IconBug size={48} stroke={1.2} aria-hidden />
          <Title order={1} size="h3" ta="center">
            This page cannot be shown
          </Title>
          <Text ta="center">This is a mistake of LXC Desktop. Your containers go on running, and the other pages still work.</Text>
          <Button onClick={() => this.setState({ error: undefined })}>Try again</Button>
          <Details text={error.message} />
        </Stack>
      </div>
    );
  }
}
