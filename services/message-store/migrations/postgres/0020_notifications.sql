-- Of what users want to be notified, notices that are dismissed, and the function that appends messages with mentions,
-- which judges by the former.

ALTER TABLE members
    ADD COLUMN notify             smallint NOT NULL DEFAULT 1 CHECK (notify BETWEEN 1 AND 3),
    ADD COLUMN notify_muted_until bigint   NOT NULL DEFAULT 0;
COMMENT ON COLUMN members.notify IS 'Of what this member wants to be notified: 1 every message, 2 mentions, 3 nothing';
COMMENT ON COLUMN members.notify_muted_until IS 'Until when of nothing; 0 is not at all';

ALTER TABLE user_settings ADD COLUMN do_not_disturb_until bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN user_settings.do_not_disturb_until IS 'Until when the user is not to be disturbed; 0 is not at all';

ALTER TABLE inboxes ADD COLUMN gone bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN inboxes.gone IS 'How many events after the read mark are no notices: dismissed ones, and the events that say so';

COMMENT ON COLUMN events.kind IS 'The number of the kind, see crates/domain/src/event/kind.rs: 1 message, 2 joined, 3 left, 4 role, 5 room, 9 pinned, 10 edited, 11 deleted, 12 reaction, 20 banned, 21 muted; in inboxes 6 mention, 7 invitation, 8 notice of the embedding site, 22 ban, 23 mute, 40 dismissed';

-- As in 0016_rooms_and_moderation.sql. Who wants to be notified of nothing in the room has no notice either, whoever sends;
-- a statement that begins after the change of that sees it.
CREATE OR REPLACE FUNCTION append_with_mentions(
    in_rooms         uuid[],
    in_actors        uuid[],
    in_keys          text[],
    in_texts         text[],
    in_details       text[],
    in_now           bigint,
    in_look_up       boolean,
    in_mention_ords  bigint[],
    in_mention_users uuid[],
    in_by_site       boolean[] DEFAULT NULL,
    in_knows         boolean DEFAULT false
) RETURNS TABLE (
    outcome smallint, seq bigint, at bigint,
    mentioned uuid[], mention_seqs bigint[], mention_ats bigint[]
)
LANGUAGE plpgsql VOLATILE
-- As of append_messages, and for its reasons.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    ords     bigint[];
    users    uuid[];
    details  text[];
    outcomes smallint[];
    seqs     bigint[];
    ats      bigint[];
BEGIN
    PERFORM FROM rooms r WHERE r.id = ANY (in_rooms) ORDER BY r.id FOR NO KEY UPDATE;

    SELECT array_agg(n.ord ORDER BY n.place), array_agg(n.user_id ORDER BY n.place) INTO ords, users
    FROM unnest(in_mention_ords, in_mention_users) WITH ORDINALITY AS n (ord, user_id, place)
    JOIN members m ON m.room = in_rooms[n.ord] AND m.user_id = n.user_id;

    -- Until the end, none of those who are mentioned blocks anybody: see lock_blocks in src/store/sql/blocks.rs. The
    -- statements after this one see the blocks of before.
    PERFORM FROM profiles p WHERE p.user_id = ANY (users) ORDER BY p.user_id FOR KEY SHARE;

    SELECT array_agg(
        CASE WHEN s.mentions IS NULL THEN d.detail
             ELSE (coalesce(d.detail::jsonb, '{}') || jsonb_build_object('mentions', s.mentions))::text END
        ORDER BY d.ord
    ) INTO details
    FROM unnest(in_details) WITH ORDINALITY AS d (detail, ord)
    LEFT JOIN (
        SELECT n.ord, jsonb_agg(n.user_id ORDER BY n.place) AS mentions
        FROM unnest(ords, users) WITH ORDINALITY AS n (ord, user_id, place) GROUP BY n.ord
    ) s ON s.ord = d.ord;

    SELECT array_agg(a.outcome ORDER BY a.ord), array_agg(a.seq ORDER BY a.ord), array_agg(a.at ORDER BY a.ord)
    INTO outcomes, seqs, ats
    FROM append_messages(in_rooms, in_actors, in_keys, in_texts, details, in_now, in_look_up, in_by_site, in_knows) a;

    RETURN QUERY
    WITH mentions AS MATERIALIZED (
        -- Of what was appended now.
        SELECT n.ord, n.user_id, n.place,
               (NOT coalesce(in_by_site[n.ord], false) AND EXISTS (
                   SELECT FROM blocks k WHERE k.blocker = n.user_id AND k.blocked = in_actors[n.ord]
               )) OR EXISTS (
                   SELECT FROM members m
                   WHERE m.room = in_rooms[n.ord] AND m.user_id = n.user_id
                     AND (m.notify = 3 OR m.notify_muted_until > in_now)
               ) AS is_silent
        FROM unnest(ords, users) WITH ORDINALITY AS n (ord, user_id, place)
        WHERE outcomes[n.ord] = 0
    ), told AS MATERIALIZED (
        -- The places of a user's notices follow the order of the batch.
        SELECT n.ord, n.user_id, n.place,
               row_number() OVER (PARTITION BY n.user_id ORDER BY n.ord) AS nth,
               count(*) OVER (PARTITION BY n.user_id) AS total,
               dense_rank() OVER (ORDER BY n.user_id) AS inbox
        FROM mentions n WHERE NOT n.is_silent
    ), grown AS (
        INSERT INTO inboxes AS i (user_id, head, active_at)
        SELECT t.user_id, count(*), in_now FROM told t GROUP BY t.user_id ORDER BY t.user_id
        ON CONFLICT (user_id) DO UPDATE
        SET head = i.head + excluded.head, active_at = greatest(i.active_at, excluded.active_at)
        RETURNING i.user_id, i.head, i.active_at
    ), inboxes_now AS (
        -- Found by rank, not by a join: with joins by loops alone, thousands by thousands are many.
        SELECT array_agg(g.head ORDER BY g.user_id) AS heads, array_agg(g.active_at ORDER BY g.user_id) AS times
        FROM grown g
    ), placed AS MATERIALIZED (
        SELECT t.ord, t.user_id, t.place, i.heads[t.inbox] - t.total + t.nth AS seq, i.times[t.inbox] AS at
        FROM told t, inboxes_now i
    ), inserted AS (
        INSERT INTO events (topic, seq, kind, actor, at, ordinal, detail)
        SELECT p.user_id, p.seq, 6, in_actors[p.ord], p.at, 0,
               json_build_object('room', in_rooms[p.ord], 'seq', seqs[p.ord])::text
        FROM placed p
    ), answered AS (
        SELECT p.ord, p.user_id, p.place, p.seq, p.at FROM placed p
        UNION ALL
        SELECT n.ord, n.user_id, n.place, 0, 0 FROM mentions n WHERE n.is_silent
    ), gathered AS (
        SELECT p.ord, array_agg(p.user_id ORDER BY p.place) AS to_users,
               array_agg(p.seq ORDER BY p.place) AS to_seqs, array_agg(p.at ORDER BY p.place) AS to_ats
        FROM answered p GROUP BY p.ord
    )
    SELECT outcomes[o.ord], seqs[o.ord], ats[o.ord],
           coalesce(g.to_users, '{}'), coalesce(g.to_seqs, '{}'), coalesce(g.to_ats, '{}')
    FROM generate_subscripts(in_rooms, 1) AS o (ord) LEFT JOIN gathered g ON g.ord = o.ord
    ORDER BY o.ord;
END
$$;

COMMENT ON FUNCTION append_with_mentions IS 'Appends a batch of messages, and the notices of whom they mention: see append_messages';
