import { Link } from "@tanstack/react-router";
import { Empty } from "@/design/empty";

export function NotFound() {
  return (
    <Empty title="There is no such page">
      <Link to="/">Home</Link> shows what needs a person; <kbd>Ctrl K</kbd> finds pipelines and runs.
    </Empty>
  );
}
