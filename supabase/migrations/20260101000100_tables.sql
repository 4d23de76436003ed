-- Teams, their members, the newest revision of every artifact, and every revision there ever was.
-- Clients read these tables (their own teams only) and write through functions alone.

create table public.teams (
  id uuid primary key default gen_random_uuid(),
  name text not null check (char_length(name) between 1 and 200),
  -- The change counter. Whoever writes artifacts holds this row's lock, so that commit order is
  -- seq order: a pull of "everything after S" cannot miss a change that commits late.
  newest_seq bigint not null default 0,
  created_at timestamptz not null default now()
);

create table public.team_members (
  team_id uuid not null references public.teams (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  role text not null check (role in ('viewer', 'editor', 'approver', 'admin')),
  display_name text not null,
  created_at timestamptz not null default now(),
  primary key (team_id, user_id)
);
-- Every policy asks "which teams am I in?"; the primary key does not answer that one.
create index team_members_user_id on public.team_members (user_id);

create table public.artifacts (
  team_id uuid not null references public.teams (id) on delete cascade,
  kind text not null,
  id text not null,
  version bigint not null,
  seq bigint not null,
  path text not null,
  title text,
  state text,
  content text,       -- null: deleted; the row stays as a tombstone and keeps counting versions
  content_hash text,  -- hex SHA-256 of the content's UTF-8 bytes; null exactly for a tombstone
  -- Not a foreign key: a revision outlives its author's account.
  author uuid not null,
  change_id uuid not null,
  updated_at timestamptz not null,
  primary key (team_id, kind, id),
  unique (team_id, seq),
  check ((content is null) = (content_hash is null))
);

create table public.artifact_history (
  team_id uuid not null references public.teams (id) on delete cascade,
  kind text not null,
  id text not null,
  version bigint not null,
  seq bigint not null,
  path text not null,
  title text,
  state text,
  content text,
  content_hash text,
  author uuid not null,
  change_id uuid not null,
  updated_at timestamptz not null,
  primary key (team_id, kind, id, version),
  -- What makes a retried push harmless.
  unique (team_id, change_id)
);
-- "Which version had this content?": how a client without a cache finds its merge base again.
create index artifact_history_hash on public.artifact_history (team_id, kind, id, content_hash);
