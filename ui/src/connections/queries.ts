/** What the page of connections asks. Slots move by themselves, so it is asked while it is looked at. */

import { queryOptions } from "@tanstack/react-query";
import { get } from "@/api/client";
import { WATCHED } from "@/api/queries";
import type { Connection, ConnectionType, Page } from "@/api/types";

export const connectionsQuery = queryOptions({
  queryKey: ["connections"],
  queryFn: ({ signal }) => get<Page<Connection>>("/connections", {}, signal),
  ...WATCHED,
});

export const connectionTypesQuery = queryOptions({
  queryKey: ["connection-types"],
  queryFn: ({ signal }) => get<Page<ConnectionType>>("/connection-types", {}, signal),
  staleTime: Infinity,
});
