-- Appends a batch of messages of which some mention members, with the notices of that, in one round trip.
--
-- A function around append_messages, and not a part of it: nearly no batch has a mention, and those that have none
-- go on as they were, one statement of two.
--
-- Whom a text names was looked up before, outside of the transaction. Here, under the locks of the rooms, it is
-- asked once more who is a member: authority follows the order of the log. The notices commit with the message, or
-- neither does.
--
-- Deadlocks: rooms are locked in the order of their ids, then inboxes in that of theirs, by one INSERT that goes
-- through them sorted. So does every other writer.
--
-- in_mention_ords names the message by its place in the other arrays, from 1; a pair of it and a user stands once.
CREATE FUNCTION append_with_mentions(
    in_rooms         uuid[],
    in_actors        uuid[],
    in_keys          text[],
    in_texts         text[],
    in_details       text[],
    in_now           bigint,
    in_look_up       boolean,
    in_mention_ords  bigint[],
    in_mention_users uuid[]
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
    FROM append_messages(in_rooms, in_actors, in_keys, in_texts, details, in_now, in_look_up) a;

    RETURN QUERY
    WITH told AS MATERIALIZED (
        -- Of what was appended now. The places of a user's notices follow the order of the batch.
        SELECT n.ord, n.user_id, n.place,
               row_number() OVER (PARTITION BY n.user_id ORDER BY n.ord) AS nth,
               count(*) OVER (PARTITION BY n.user_id) AS total,
               dense_rank() OVER (ORDER BY n.user_id) AS inbox
        FROM unnest(ords, users) WITH ORDINALITY AS n (ord, user_id, place)
        WHERE outcomes[n.ord] = 0
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
    ), gathered AS (
        SELECT p.ord, array_agg(p.user_id ORDER BY p.place) AS to_users,
               array_agg(p.seq ORDER BY p.place) AS to_seqs, array_agg(p.at ORDER BY p.place) AS to_ats
        FROM placed p GROUP BY p.ord
    )
    SELECT outcomes[o.ord], seqs[o.ord], ats[o.ord],
           coalesce(g.to_users, '{}'), coalesce(g.to_seqs, '{}'), coalesce(g.to_ats, '{}')
    FROM generate_subscripts(in_rooms, 1) AS o (ord) LEFT JOIN gathered g ON g.ord = o.ord
    ORDER BY o.ord;
END
$$;

COMMENT ON FUNCTION append_with_mentions IS 'Appends a batch of messages, and the notices of whom they mention: see append_messages';
