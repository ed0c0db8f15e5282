SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE TYPE public.pgqueuer_status AS ENUM (
    'queued',
    'picked',
    'successful',
    'exception',
    'canceled',
    'deleted',
    'failed'
);
CREATE FUNCTION public.fn_pgqueuer_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
    DECLARE
        to_emit BOOLEAN := false;  -- Flag to decide whether to emit a notification
    BEGIN
        -- Check operation type and set the emit flag accordingly
        IF TG_OP = 'UPDATE' AND OLD IS DISTINCT FROM NEW THEN
            to_emit := true;
        ELSIF TG_OP = 'DELETE' THEN
            to_emit := true;
        ELSIF TG_OP = 'INSERT' THEN
            to_emit := true;
        ELSIF TG_OP = 'TRUNCATE' THEN
            to_emit := true;
        END IF;
        -- Perform notification if the emit flag is set
        IF to_emit THEN
            PERFORM pg_notify(
                'ch_pgqueuer',
                json_build_object(
                    'channel', 'ch_pgqueuer',
                    'operation', lower(TG_OP),
                    'sent_at', NOW(),
                    'table', TG_TABLE_NAME,
                    'type', 'table_changed_event'
                )::text
            );
        END IF;
        -- Return appropriate value based on the operation
        IF TG_OP IN ('INSERT', 'UPDATE') THEN
            RETURN NEW;
        ELSIF TG_OP = 'DELETE' THEN
            RETURN OLD;
        ELSE
            RETURN NULL; -- For TRUNCATE and other non-row-specific contexts
        END IF;
    END;
    $$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.account (
    bucket smallint NOT NULL,
    member_id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL,
    joined_at timestamp with time zone NOT NULL,
    sequence bigint NOT NULL,
    lot_count integer NOT NULL,
    lot_floor integer NOT NULL,
    available bigint NOT NULL,
    pending bigint NOT NULL,
    reserved bigint NOT NULL,
    debt bigint NOT NULL,
    growth bigint NOT NULL,
    cash bigint NOT NULL,
    earned bigint NOT NULL,
    redeemed bigint NOT NULL,
    expired bigint NOT NULL,
    spend bigint NOT NULL,
    orders integer NOT NULL,
    tier text NOT NULL,
    tier_since timestamp with time zone NOT NULL,
    tier_valid_until timestamp with time zone,
    tier_state text NOT NULL,
    approved_tier text,
    reviewed_tier text,
    review bigint,
    streak integer NOT NULL,
    last_sign_in date,
    last_at timestamp with time zone,
    due_at timestamp with time zone,
    hold_due_at timestamp with time zone,
    next_expires_at timestamp with time zone,
    next_expires_points bigint NOT NULL,
    CONSTRAINT ck_account_bucket CHECK (((bucket >= 0) AND (bucket <= 63))),
    CONSTRAINT ck_account_debt_before_available CHECK (((debt = 0) OR (available = 0))),
    CONSTRAINT ck_account_not_negative CHECK (((available >= 0) AND (pending >= 0) AND (reserved >= 0) AND (debt >= 0) AND (redeemed >= 0) AND (expired >= 0) AND (spend >= 0) AND (orders >= 0))),
    CONSTRAINT ck_account_status CHECK ((status = ANY (ARRAY['active'::text, 'frozen'::text, 'erased'::text]))),
    CONSTRAINT ck_account_tier_state CHECK ((tier_state = ANY (ARRAY['held'::text, 'warned'::text, 'grace'::text, 'manual'::text])))
)
WITH (fillfactor='50');
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.api_key (
    key_id text NOT NULL,
    digest bytea NOT NULL,
    name text NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamp with time zone NOT NULL,
    created_by text NOT NULL,
    revoked_at timestamp with time zone,
    revoked_by text,
    request_key text,
    request_digest bytea,
    sealed_key bytea,
    CONSTRAINT ck_api_key_digest_length CHECK ((octet_length(digest) = 32))
);
CREATE TABLE public.clock (
    id smallint NOT NULL,
    ahead interval NOT NULL,
    CONSTRAINT ck_clock_one_row CHECK ((id = 1))
);
CREATE TABLE public.entry (
    bucket smallint NOT NULL,
    member_id text NOT NULL COLLATE pg_catalog."C",
    sequence bigint NOT NULL,
    kind text NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    lot integer,
    order_id text,
    points bigint NOT NULL,
    pending bigint NOT NULL,
    reserved bigint NOT NULL,
    debt bigint NOT NULL,
    growth bigint NOT NULL,
    cash bigint NOT NULL,
    points_after bigint NOT NULL,
    pending_after bigint NOT NULL,
    reserved_after bigint NOT NULL,
    debt_after bigint NOT NULL,
    growth_after bigint NOT NULL,
    cash_after bigint NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    program_version integer NOT NULL,
    actor text NOT NULL,
    request_id text NOT NULL,
    content bytea NOT NULL,
    detail json NOT NULL,
    CONSTRAINT ck_entry_debt_before_points CHECK (((debt_after = 0) OR (points_after = 0))),
    CONSTRAINT ck_entry_not_negative CHECK (((points_after >= 0) AND (pending_after >= 0) AND (reserved_after >= 0) AND (debt_after >= 0))),
    CONSTRAINT ck_entry_sequence CHECK ((sequence > 0))
);
CREATE TABLE public.idempotency_key (
    bucket smallint NOT NULL,
    key bytea NOT NULL,
    content bytea NOT NULL,
    status smallint,
    body text,
    created_at timestamp with time zone NOT NULL
);
CREATE TABLE public.lot (
    bucket smallint NOT NULL,
    member_id text NOT NULL COLLATE pg_catalog."C",
    lot integer NOT NULL,
    sequence bigint NOT NULL,
    source text NOT NULL,
    pending boolean NOT NULL,
    granted bigint NOT NULL,
    remaining bigint NOT NULL,
    reserved bigint NOT NULL,
    redeemed bigint NOT NULL,
    expired bigint NOT NULL,
    clawed_back bigint NOT NULL,
    moved bigint NOT NULL,
    accrued_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    settle_at timestamp with time zone,
    program_version integer NOT NULL,
    order_id text,
    amount bigint,
    refunded bigint,
    tier text,
    terms json,
    CONSTRAINT ck_lot_adds_up CHECK ((granted = (((((remaining + reserved) + redeemed) + expired) + clawed_back) + moved))),
    CONSTRAINT ck_lot_not_negative CHECK (((remaining >= 0) AND (reserved >= 0) AND (redeemed >= 0) AND (expired >= 0) AND (clawed_back >= 0) AND (moved >= 0))),
    CONSTRAINT ck_lot_order_whole CHECK ((((order_id IS NULL) = (amount IS NULL)) AND ((order_id IS NULL) = (refunded IS NULL)) AND ((order_id IS NULL) = (tier IS NULL)))),
    CONSTRAINT ck_lot_refunded_within_amount CHECK (((refunded >= 0) AND (refunded <= amount))),
    CONSTRAINT ck_lot_settles_while_pending CHECK ((pending OR (settle_at IS NULL)))
)
WITH (fillfactor='85');
CREATE TABLE public.person (
    bucket smallint NOT NULL,
    member_id text NOT NULL,
    name bytea,
    phone bytea,
    email bytea,
    birthday bytea,
    phone_digest bytea,
    email_digest bytea,
    gender text,
    region text,
    referred_by text,
    attributes jsonb DEFAULT '{}'::jsonb NOT NULL,
    consents jsonb DEFAULT '{}'::jsonb NOT NULL,
    revision bigint NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT ck_person_bucket CHECK (((bucket >= 0) AND (bucket <= 63))),
    CONSTRAINT ck_person_email_digest CHECK (((email IS NULL) = (email_digest IS NULL))),
    CONSTRAINT ck_person_phone_digest CHECK (((phone IS NULL) = (phone_digest IS NULL)))
);
CREATE TABLE public.person_lookup (
    bucket smallint NOT NULL,
    digest bytea NOT NULL,
    kind text NOT NULL,
    member_id text NOT NULL,
    CONSTRAINT ck_person_lookup_bucket CHECK (((bucket >= 0) AND (bucket <= 63))),
    CONSTRAINT ck_person_lookup_digest_length CHECK ((octet_length(digest) = 32)),
    CONSTRAINT ck_person_lookup_kind CHECK ((kind = ANY (ARRAY['phone'::text, 'email'::text])))
);
CREATE TABLE public.pgqueuer (
    id bigint NOT NULL,
    priority integer NOT NULL,
    queue_manager_id uuid,
    created timestamp with time zone DEFAULT now() NOT NULL,
    updated timestamp with time zone DEFAULT now() NOT NULL,
    heartbeat timestamp with time zone DEFAULT now() NOT NULL,
    execute_after timestamp with time zone DEFAULT now() NOT NULL,
    status public.pgqueuer_status NOT NULL,
    entrypoint text NOT NULL,
    dedupe_key text,
    payload bytea,
    headers jsonb,
    attempts integer DEFAULT 0 NOT NULL,
    slot bigint
);
CREATE SEQUENCE public.pgqueuer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.pgqueuer_id_seq OWNED BY public.pgqueuer.id;
CREATE TABLE public.pgqueuer_log (
    id bigint NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    job_id bigint NOT NULL,
    status public.pgqueuer_status NOT NULL,
    priority integer NOT NULL,
    entrypoint text NOT NULL,
    traceback jsonb,
    aggregated boolean DEFAULT false
);
ALTER TABLE public.pgqueuer_log ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.pgqueuer_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.pgqueuer_schedules (
    id bigint NOT NULL,
    expression text NOT NULL,
    entrypoint text NOT NULL,
    heartbeat timestamp with time zone DEFAULT now() NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    updated timestamp with time zone DEFAULT now() NOT NULL,
    next_run timestamp with time zone DEFAULT now() NOT NULL,
    last_run timestamp with time zone,
    status public.pgqueuer_status DEFAULT 'queued'::public.pgqueuer_status
);
CREATE SEQUENCE public.pgqueuer_schedules_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.pgqueuer_schedules_id_seq OWNED BY public.pgqueuer_schedules.id;
CREATE TABLE public.pgqueuer_statistics (
    id bigint NOT NULL,
    created timestamp with time zone DEFAULT date_trunc('sec'::text, now()) NOT NULL,
    count bigint NOT NULL,
    priority integer NOT NULL,
    status public.pgqueuer_status NOT NULL,
    entrypoint text NOT NULL
);
CREATE SEQUENCE public.pgqueuer_statistics_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.pgqueuer_statistics_id_seq OWNED BY public.pgqueuer_statistics.id;
CREATE TABLE public.program_version (
    version integer NOT NULL,
    document jsonb NOT NULL,
    effective_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT ck_program_version_version CHECK ((version > 0))
);
CREATE TABLE public.redemption (
    bucket smallint NOT NULL,
    member_id text NOT NULL COLLATE pg_catalog."C",
    reference text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL,
    points bigint NOT NULL,
    committed bigint NOT NULL,
    refunded bigint NOT NULL,
    lots integer[] NOT NULL,
    parts bigint[] NOT NULL,
    order_id text,
    hold_expires_at timestamp with time zone,
    program_version integer NOT NULL,
    CONSTRAINT ck_redemption_committed_within_points CHECK (((points > 0) AND ((committed >= 0) AND (committed <= points)))),
    CONSTRAINT ck_redemption_hold_ends CHECK (((status <> 'reserved'::text) OR (hold_expires_at IS NOT NULL))),
    CONSTRAINT ck_redemption_parts_of_lots CHECK ((cardinality(lots) = cardinality(parts))),
    CONSTRAINT ck_redemption_refunded_within_committed CHECK (((refunded >= 0) AND (refunded <= committed))),
    CONSTRAINT ck_redemption_status CHECK ((status = ANY (ARRAY['reserved'::text, 'redeemed'::text, 'cancelled'::text, 'expired'::text])))
);
CREATE TABLE public.tier_review (
    bucket smallint NOT NULL,
    member_id text NOT NULL COLLATE pg_catalog."C",
    sequence bigint NOT NULL,
    from_tier text NOT NULL,
    to_tier text NOT NULL,
    status text NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    decided_at timestamp with time zone,
    actor text,
    reason text,
    CONSTRAINT ck_tier_review_status CHECK ((status = ANY (ARRAY['open'::text, 'approved'::text, 'rejected'::text, 'closed'::text])))
);
ALTER TABLE ONLY public.pgqueuer ALTER COLUMN id SET DEFAULT nextval('public.pgqueuer_id_seq'::regclass);
ALTER TABLE ONLY public.pgqueuer_schedules ALTER COLUMN id SET DEFAULT nextval('public.pgqueuer_schedules_id_seq'::regclass);
ALTER TABLE ONLY public.pgqueuer_statistics ALTER COLUMN id SET DEFAULT nextval('public.pgqueuer_statistics_id_seq'::regclass);
INSERT INTO public.account VALUES
	(15, 'busy-2', 'active', '2026-11-23 15:15:22.631579+00', 13, 5, 1, 24337, 148, 10, 0, 24305, 1000, 24387, 40, 0, 2430002, 2, 'platinum', '2026-11-23 15:15:22.631579+00', NULL, 'held', NULL, NULL, NULL, 1, '2026-11-23', '2026-11-23 15:15:22.631579+00', '2026-12-08 15:15:22.631579+00', '2026-11-23 15:45:22.631579+00', '2027-11-23 16:00:00+00', 24337),
	(44, 'busy-5', 'active', '2026-11-23 15:15:22.631579+00', 13, 5, 1, 49337, 148, 10, 0, 49305, 1000, 49387, 40, 0, 4930005, 2, 'platinum', '2026-11-23 15:15:22.631579+00', NULL, 'held', NULL, 'diamond', 2, 1, '2026-11-23', '2026-11-23 15:15:22.631579+00', '2026-12-08 15:15:22.631579+00', '2026-11-23 15:45:22.631579+00', '2027-11-23 16:00:00+00', 49337),
	(17, 'busy-8', 'active', '2026-11-23 15:15:22.631579+00', 13, 5, 1, 24337, 148, 10, 0, 24305, 1000, 24387, 40, 0, 2430008, 2, 'platinum', '2026-11-23 15:15:22.631579+00', NULL, 'held', NULL, NULL, NULL, 1, '2026-11-23', '2026-11-23 15:15:22.631579+00', '2026-12-08 15:15:22.631579+00', '2026-11-23 15:45:22.631579+00', '2027-11-23 16:00:00+00', 24337),
	(50, 'giver-1', 'active', '2026-11-23 15:15:22.631579+00', 14, 5, 1, 49287, 148, 10, 0, 49305, 1000, 49387, 40, 0, 4930001, 2, 'platinum', '2026-11-23 15:15:22.631579+00', NULL, 'held', NULL, 'diamond', 2, 1, '2026-11-23', '2026-11-23 15:15:22.631579+00', '2026-12-08 15:15:22.631579+00', '2026-11-23 15:45:22.631579+00', '2027-11-23 16:00:00+00', 49287),
	(61, 'giver-4', 'active', '2026-11-23 15:15:22.631579+00', 14, 5, 1, 24287, 148, 10, 0, 24305, 1000, 24387, 40, 0, 2430004, 2, 'platinum', '2026-11-23 15:15:22.631579+00', NULL, 'held', NULL, NULL, NULL, 1, '2026-11-23', '2026-11-23 15:15:22.631579+00', '2026-12-08 15:15:22.631579+00', '2026-11-23 15:45:22.631579+00', '2027-11-23 16:00:00+00', 24287),
	(7, 'giver-7', 'active', '2026-11-23 15:15:22.631579+00', 14, 5, 1, 49287, 148, 10, 0, 49305, 1000, 49387, 40, 0, 4930007, 2, 'platinum', '2026-11-23 15:15:22.631579+00', NULL, 'held', NULL, 'diamond', 2, 1, '2026-11-23', '2026-11-23 15:15:22.631579+00', '2026-12-08 15:15:22.631579+00', '2026-11-23 15:45:22.631579+00', '2027-11-23 16:00:00+00', 49287),
	(41, 'plain-0', 'active', '2026-11-23 15:15:22.631579+00', 14, 6, 1, 24387, 148, 10, 0, 24305, 1000, 24387, 40, 0, 2430000, 2, 'platinum', '2026-11-23 15:15:22.631579+00', NULL, 'held', NULL, NULL, NULL, 1, '2026-11-23', '2026-11-23 15:15:22.631579+00', '2026-12-08 15:15:22.631579+00', '2026-11-23 15:45:22.631579+00', '2027-11-23 16:00:00+00', 24387),
	(19, 'plain-3', 'active', '2026-11-23 15:15:22.631579+00', 14, 6, 1, 49387, 148, 10, 0, 49305, 1000, 49387, 40, 0, 4930003, 2, 'platinum', '2026-11-23 15:15:22.631579+00', NULL, 'held', NULL, 'diamond', 2, 1, '2026-11-23', '2026-11-23 15:15:22.631579+00', '2026-12-08 15:15:22.631579+00', '2026-11-23 15:45:22.631579+00', '2027-11-23 16:00:00+00', 49387),
	(28, 'plain-6', 'active', '2026-11-23 15:15:22.631579+00', 14, 6, 1, 24387, 148, 10, 0, 24305, 1000, 24387, 40, 0, 2430006, 2, 'platinum', '2026-11-23 15:15:22.631579+00', NULL, 'held', NULL, NULL, NULL, 1, '2026-11-23', '2026-11-23 15:15:22.631579+00', '2026-12-08 15:15:22.631579+00', '2026-11-23 15:45:22.631579+00', '2027-11-23 16:00:00+00', 24387);
INSERT INTO public.alembic_version VALUES
	('0003');
INSERT INTO public.clock VALUES
	(1, '00:00:00');
INSERT INTO public.entry VALUES
	(41, 'plain-0', 1, 'accrue', 'order/o-1', 1, 'o-1', 300, 0, 0, 0, 300, 0, 300, 0, 0, 0, 300, 0, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x7f21071ab477dc269ead43170db9fc6c', '{"breakdown":[["purchase","1 point per yuan",300]],"expires_at":"2027-11-23T16:00:00Z","tier":"bronze","tier_change":{"from":"bronze","to":"silver","benefits_gained":["discount","priority_activities"]}}'),
	(41, 'plain-0', 2, 'accrue', 'order/o-2', 2, 'o-2', 25000, 0, 0, 0, 25000, 1000, 25300, 0, 0, 0, 25300, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xadd6309f81964d6737b04e8f78e44ebe', '{"breakdown":[["purchase","1 point per yuan",25000]],"expires_at":"2027-11-23T16:00:00Z","tier":"silver","tier_change":{"from":"silver","to":"platinum","benefits_gained":["free_shipping","own_service","new_products_first"]}}'),
	(41, 'plain-0', 3, 'accrue', 'order/o-3', 3, 'o-3', 0, 148, 0, 0, 0, 0, 25300, 148, 0, 0, 25300, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x94fc5cc3d7e54a3b582aa85adf96e8f6', '{"breakdown":[["purchase","1 point per yuan",99],["tier:platinum","platinum ×1.5",49]],"expires_at":"2027-11-23T16:00:00Z","tier":"platinum","pending":true}'),
	(41, 'plain-0', 4, 'sign_in', 'sign_in/2026-11-23', 4, NULL, 10, 0, 0, 0, 5, 0, 25310, 148, 0, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x653ac961e8b1b784407154bdf20180b1', '{"points":10,"streak":1,"breakdown":[["sign_in","daily sign-in",10]],"debt_paid":0}'),
	(41, 'plain-0', 5, 'redeem', 'redeem/r-1', NULL, NULL, -20, 0, 0, 0, 0, 0, 25290, 148, 0, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x9f3ecea22ad0294af112f52ba8cf17ff', '{"points":20,"value":20,"lots":[[1,20,"2027-11-23T16:00:00Z"]],"hold_expires_at":null}'),
	(41, 'plain-0', 6, 'reserve', 'redeem/r-2', NULL, NULL, -30, 0, 30, 0, 0, 0, 25260, 148, 30, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x2f0b7bd616c142d278d160e0ca31bae1', '{"points":30,"value":30,"lots":[[1,30,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(41, 'plain-0', 7, 'reserve', 'redeem/r-3', NULL, NULL, -40, 0, 40, 0, 0, 0, 25220, 148, 70, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xd01bd802e042b84a6b8f7b1169facad4', '{"points":40,"value":40,"lots":[[1,40,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(41, 'plain-0', 8, 'reserve', 'redeem/r-4', NULL, NULL, -10, 0, 10, 0, 0, 0, 25210, 148, 80, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x384822778c4330e45f077c0fa8efb175', '{"points":10,"value":10,"lots":[[1,10,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(41, 'plain-0', 9, 'commit', 'commit/r-2', NULL, NULL, 5, 0, -30, 0, 0, 0, 25215, 148, 50, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x505ee48c43b06c240c29f60a7602265f', '{"points":25,"value":25,"lots":[[1,25,"2027-11-23T16:00:00Z"]],"freed":5,"expired":0,"debt_paid":0,"moves":[[1,5,-30]]}'),
	(41, 'plain-0', 10, 'cancel', 'cancel/r-3', NULL, NULL, 40, 0, -40, 0, 0, 0, 25255, 148, 10, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x9721948444a6134c4e52de6ef2c9aba1', '{"points":40,"expired":0,"debt_paid":0,"lots":[[1,40,"2027-11-23T16:00:00Z"]],"moves":[[1,40,-40]]}'),
	(41, 'plain-0', 11, 'refund', 'refund/r-1/f-1', NULL, NULL, 5, 0, 0, 0, 0, 0, 25260, 148, 10, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xb36d074632395f7e12c6ac0fd918ca20', '{"points":5,"expired":0,"debt_paid":0,"lots":[[1,5,"2027-11-23T16:00:00Z"]],"rest":15,"moves":[[1,5,0]]}'),
	(41, 'plain-0', 12, 'reverse', 'reverse/o-2/v-1', NULL, 'o-2', -1000, 0, 0, 0, -1000, 0, 24260, 148, 10, 0, 24305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x38de40e8635fb603a3dbcaadd1ecaabe', '{"points":1000,"recovered":1000,"shortfall":0,"amount":100000,"tier":"platinum","moves":[[2,-1000,0]]}'),
	(41, 'plain-0', 13, 'adjust', 'adjust/a-1', 5, NULL, 77, 0, 0, 0, 0, 0, 24337, 148, 10, 0, 24305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x9d74544fec2a976d553b7897facea4a7', '{"points":77,"reason":"an apology","debt_paid":0}'),
	(50, 'giver-1', 1, 'accrue', 'order/o-1', 1, 'o-1', 300, 0, 0, 0, 300, 0, 300, 0, 0, 0, 300, 0, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x8bafbd7f78fbce972836dc7e85ec2ace', '{"breakdown":[["purchase","1 point per yuan",300]],"expires_at":"2027-11-23T16:00:00Z","tier":"bronze","tier_change":{"from":"bronze","to":"silver","benefits_gained":["discount","priority_activities"]}}'),
	(50, 'giver-1', 2, 'accrue', 'order/o-2', 2, 'o-2', 50000, 0, 0, 0, 50000, 1000, 50300, 0, 0, 0, 50300, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xa432388b01bb88e6e0f54d9db9b73652', '{"breakdown":[["purchase","1 point per yuan",50000]],"expires_at":"2027-11-23T16:00:00Z","tier":"silver","tier_change":{"from":"silver","to":"platinum","benefits_gained":["free_shipping","own_service","new_products_first"],"review_opened":"diamond"}}'),
	(50, 'giver-1', 3, 'accrue', 'order/o-3', 3, 'o-3', 0, 148, 0, 0, 0, 0, 50300, 148, 0, 0, 50300, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xda4f39556cc3fdc02292d55926a7f864', '{"breakdown":[["purchase","1 point per yuan",99],["tier:platinum","platinum ×1.5",49]],"expires_at":"2027-11-23T16:00:00Z","tier":"platinum","pending":true}'),
	(50, 'giver-1', 4, 'sign_in', 'sign_in/2026-11-23', 4, NULL, 10, 0, 0, 0, 5, 0, 50310, 148, 0, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x9cc295c86bc1f0d4ccbbdb8a255b9415', '{"points":10,"streak":1,"breakdown":[["sign_in","daily sign-in",10]],"debt_paid":0}'),
	(50, 'giver-1', 5, 'redeem', 'redeem/r-1', NULL, NULL, -20, 0, 0, 0, 0, 0, 50290, 148, 0, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x3152acd13c304893b9f074b63741a2b3', '{"points":20,"value":20,"lots":[[1,20,"2027-11-23T16:00:00Z"]],"hold_expires_at":null}'),
	(50, 'giver-1', 6, 'reserve', 'redeem/r-2', NULL, NULL, -30, 0, 30, 0, 0, 0, 50260, 148, 30, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xed40bdcf01b8eb9b73da4fc61b0eff7c', '{"points":30,"value":30,"lots":[[1,30,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(50, 'giver-1', 7, 'reserve', 'redeem/r-3', NULL, NULL, -40, 0, 40, 0, 0, 0, 50220, 148, 70, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x7f7c9ce2b2a235a0957986ad8d83fe64', '{"points":40,"value":40,"lots":[[1,40,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(50, 'giver-1', 8, 'reserve', 'redeem/r-4', NULL, NULL, -10, 0, 10, 0, 0, 0, 50210, 148, 80, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xb0266419b14230f7d2af5864765dab9f', '{"points":10,"value":10,"lots":[[1,10,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(50, 'giver-1', 9, 'commit', 'commit/r-2', NULL, NULL, 5, 0, -30, 0, 0, 0, 50215, 148, 50, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x61c205a3bcd6da457bd40dc8cd12aa4a', '{"points":25,"value":25,"lots":[[1,25,"2027-11-23T16:00:00Z"]],"freed":5,"expired":0,"debt_paid":0,"moves":[[1,5,-30]]}'),
	(50, 'giver-1', 10, 'cancel', 'cancel/r-3', NULL, NULL, 40, 0, -40, 0, 0, 0, 50255, 148, 10, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x53c4161c2813c27779ce02a231ffdeb8', '{"points":40,"expired":0,"debt_paid":0,"lots":[[1,40,"2027-11-23T16:00:00Z"]],"moves":[[1,40,-40]]}'),
	(50, 'giver-1', 11, 'refund', 'refund/r-1/f-1', NULL, NULL, 5, 0, 0, 0, 0, 0, 50260, 148, 10, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x323ed730e0d458a2a72b5f43e3f0cb3e', '{"points":5,"expired":0,"debt_paid":0,"lots":[[1,5,"2027-11-23T16:00:00Z"]],"rest":15,"moves":[[1,5,0]]}'),
	(50, 'giver-1', 12, 'reverse', 'reverse/o-2/v-1', NULL, 'o-2', -1000, 0, 0, 0, -1000, 0, 49260, 148, 10, 0, 49305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x1aab3381c027f3d3fc8af3ac0f3709b6', '{"points":1000,"recovered":1000,"shortfall":0,"amount":100000,"tier":"platinum","moves":[[2,-1000,0]]}'),
	(50, 'giver-1', 13, 'adjust', 'adjust/a-1', 5, NULL, 77, 0, 0, 0, 0, 0, 49337, 148, 10, 0, 49305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x839e7cdec41788859ae17feb6fc36754', '{"points":77,"reason":"an apology","debt_paid":0}'),
	(50, 'giver-1', 14, 'transfer', 'transfer/t-1', NULL, NULL, -50, 0, 0, 0, 0, 0, 49287, 148, 10, 0, 49305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xe54980ebd3d1f9aff63efaa654506577', '{"points":50,"to":"plain-0","lots":[[1,50,"2027-11-23T16:00:00Z"]]}'),
	(41, 'plain-0', 14, 'receive', 'receive/giver-1/t-1', 6, NULL, 50, 0, 0, 0, 0, 0, 24387, 148, 10, 0, 24305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x', '{"points":50,"from":"giver-1","debt_paid":0,"moves":[[6,50,0]]}'),
	(15, 'busy-2', 1, 'accrue', 'order/o-1', 1, 'o-1', 300, 0, 0, 0, 300, 0, 300, 0, 0, 0, 300, 0, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xa9c89908d3f382f91e50ea4a210eefde', '{"breakdown":[["purchase","1 point per yuan",300]],"expires_at":"2027-11-23T16:00:00Z","tier":"bronze","tier_change":{"from":"bronze","to":"silver","benefits_gained":["discount","priority_activities"]}}'),
	(15, 'busy-2', 2, 'accrue', 'order/o-2', 2, 'o-2', 25000, 0, 0, 0, 25000, 1000, 25300, 0, 0, 0, 25300, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xab92bdb9589a34e08cb08c0e4962bf28', '{"breakdown":[["purchase","1 point per yuan",25000]],"expires_at":"2027-11-23T16:00:00Z","tier":"silver","tier_change":{"from":"silver","to":"platinum","benefits_gained":["free_shipping","own_service","new_products_first"]}}'),
	(15, 'busy-2', 3, 'accrue', 'order/o-3', 3, 'o-3', 0, 148, 0, 0, 0, 0, 25300, 148, 0, 0, 25300, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xd5300bf87814753ce97123d7f0bf4aed', '{"breakdown":[["purchase","1 point per yuan",99],["tier:platinum","platinum ×1.5",49]],"expires_at":"2027-11-23T16:00:00Z","tier":"platinum","pending":true}'),
	(15, 'busy-2', 4, 'sign_in', 'sign_in/2026-11-23', 4, NULL, 10, 0, 0, 0, 5, 0, 25310, 148, 0, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x8572e90de9ebe76b9ff21b9049f524ac', '{"points":10,"streak":1,"breakdown":[["sign_in","daily sign-in",10]],"debt_paid":0}'),
	(15, 'busy-2', 5, 'redeem', 'redeem/r-1', NULL, NULL, -20, 0, 0, 0, 0, 0, 25290, 148, 0, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x63ef8d848d41b9b1e56724e2cf66e11b', '{"points":20,"value":20,"lots":[[1,20,"2027-11-23T16:00:00Z"]],"hold_expires_at":null}'),
	(15, 'busy-2', 6, 'reserve', 'redeem/r-2', NULL, NULL, -30, 0, 30, 0, 0, 0, 25260, 148, 30, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x551c0ada268aca4e307515f6459ddce8', '{"points":30,"value":30,"lots":[[1,30,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(15, 'busy-2', 7, 'reserve', 'redeem/r-3', NULL, NULL, -40, 0, 40, 0, 0, 0, 25220, 148, 70, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xcce4470ecdab2311a65229340f353a97', '{"points":40,"value":40,"lots":[[1,40,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(15, 'busy-2', 8, 'reserve', 'redeem/r-4', NULL, NULL, -10, 0, 10, 0, 0, 0, 25210, 148, 80, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x6d9e1399a4fc88d2cbede92134f6c09c', '{"points":10,"value":10,"lots":[[1,10,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(15, 'busy-2', 9, 'commit', 'commit/r-2', NULL, NULL, 5, 0, -30, 0, 0, 0, 25215, 148, 50, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xf93bd937aa5a494ee90227caa10ea03e', '{"points":25,"value":25,"lots":[[1,25,"2027-11-23T16:00:00Z"]],"freed":5,"expired":0,"debt_paid":0,"moves":[[1,5,-30]]}'),
	(15, 'busy-2', 10, 'cancel', 'cancel/r-3', NULL, NULL, 40, 0, -40, 0, 0, 0, 25255, 148, 10, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xbe00bf59ea0b5d348b1bd53efaab39f3', '{"points":40,"expired":0,"debt_paid":0,"lots":[[1,40,"2027-11-23T16:00:00Z"]],"moves":[[1,40,-40]]}'),
	(15, 'busy-2', 11, 'refund', 'refund/r-1/f-1', NULL, NULL, 5, 0, 0, 0, 0, 0, 25260, 148, 10, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x068e714732d2e1f27b18d2c041b83903', '{"points":5,"expired":0,"debt_paid":0,"lots":[[1,5,"2027-11-23T16:00:00Z"]],"rest":15,"moves":[[1,5,0]]}'),
	(15, 'busy-2', 12, 'reverse', 'reverse/o-2/v-1', NULL, 'o-2', -1000, 0, 0, 0, -1000, 0, 24260, 148, 10, 0, 24305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x19920841cc8301843959819047d704f3', '{"points":1000,"recovered":1000,"shortfall":0,"amount":100000,"tier":"platinum","moves":[[2,-1000,0]]}'),
	(15, 'busy-2', 13, 'adjust', 'adjust/a-1', 5, NULL, 77, 0, 0, 0, 0, 0, 24337, 148, 10, 0, 24305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x1b9250fa140fd82a8edec36741374df0', '{"points":77,"reason":"an apology","debt_paid":0}'),
	(19, 'plain-3', 1, 'accrue', 'order/o-1', 1, 'o-1', 300, 0, 0, 0, 300, 0, 300, 0, 0, 0, 300, 0, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x2f33e2f79f19c9badffc2f1eba36dc40', '{"breakdown":[["purchase","1 point per yuan",300]],"expires_at":"2027-11-23T16:00:00Z","tier":"bronze","tier_change":{"from":"bronze","to":"silver","benefits_gained":["discount","priority_activities"]}}'),
	(19, 'plain-3', 2, 'accrue', 'order/o-2', 2, 'o-2', 50000, 0, 0, 0, 50000, 1000, 50300, 0, 0, 0, 50300, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x9e95023e2336ad40ceabd7eeb35bddef', '{"breakdown":[["purchase","1 point per yuan",50000]],"expires_at":"2027-11-23T16:00:00Z","tier":"silver","tier_change":{"from":"silver","to":"platinum","benefits_gained":["free_shipping","own_service","new_products_first"],"review_opened":"diamond"}}'),
	(19, 'plain-3', 3, 'accrue', 'order/o-3', 3, 'o-3', 0, 148, 0, 0, 0, 0, 50300, 148, 0, 0, 50300, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x34f89e9298d30769a6cae4c07e889d5c', '{"breakdown":[["purchase","1 point per yuan",99],["tier:platinum","platinum ×1.5",49]],"expires_at":"2027-11-23T16:00:00Z","tier":"platinum","pending":true}'),
	(19, 'plain-3', 4, 'sign_in', 'sign_in/2026-11-23', 4, NULL, 10, 0, 0, 0, 5, 0, 50310, 148, 0, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xb75f63557a45db93dac4cfcd6294fe63', '{"points":10,"streak":1,"breakdown":[["sign_in","daily sign-in",10]],"debt_paid":0}'),
	(19, 'plain-3', 5, 'redeem', 'redeem/r-1', NULL, NULL, -20, 0, 0, 0, 0, 0, 50290, 148, 0, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x2eab93c425e0b19551636ee79fe4c8fb', '{"points":20,"value":20,"lots":[[1,20,"2027-11-23T16:00:00Z"]],"hold_expires_at":null}'),
	(19, 'plain-3', 6, 'reserve', 'redeem/r-2', NULL, NULL, -30, 0, 30, 0, 0, 0, 50260, 148, 30, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x87aa262ce31e4621e7ffd2fadd1598b6', '{"points":30,"value":30,"lots":[[1,30,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(19, 'plain-3', 7, 'reserve', 'redeem/r-3', NULL, NULL, -40, 0, 40, 0, 0, 0, 50220, 148, 70, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xa26e03dbe3e5da7d203cd77e74acf7ed', '{"points":40,"value":40,"lots":[[1,40,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(19, 'plain-3', 8, 'reserve', 'redeem/r-4', NULL, NULL, -10, 0, 10, 0, 0, 0, 50210, 148, 80, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x8f551a46a2c35efb1b4aa66e53870c5c', '{"points":10,"value":10,"lots":[[1,10,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(19, 'plain-3', 9, 'commit', 'commit/r-2', NULL, NULL, 5, 0, -30, 0, 0, 0, 50215, 148, 50, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x0e4f437625c6548534532f818aaaca2d', '{"points":25,"value":25,"lots":[[1,25,"2027-11-23T16:00:00Z"]],"freed":5,"expired":0,"debt_paid":0,"moves":[[1,5,-30]]}'),
	(19, 'plain-3', 10, 'cancel', 'cancel/r-3', NULL, NULL, 40, 0, -40, 0, 0, 0, 50255, 148, 10, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xfac418db3405a0cdd1167610a7ef5712', '{"points":40,"expired":0,"debt_paid":0,"lots":[[1,40,"2027-11-23T16:00:00Z"]],"moves":[[1,40,-40]]}'),
	(19, 'plain-3', 11, 'refund', 'refund/r-1/f-1', NULL, NULL, 5, 0, 0, 0, 0, 0, 50260, 148, 10, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x2ca38063d71f0d8a03332fe5dceee0f8', '{"points":5,"expired":0,"debt_paid":0,"lots":[[1,5,"2027-11-23T16:00:00Z"]],"rest":15,"moves":[[1,5,0]]}'),
	(19, 'plain-3', 12, 'reverse', 'reverse/o-2/v-1', NULL, 'o-2', -1000, 0, 0, 0, -1000, 0, 49260, 148, 10, 0, 49305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xaff4562ad95fac33e40ac0db3daaf09a', '{"points":1000,"recovered":1000,"shortfall":0,"amount":100000,"tier":"platinum","moves":[[2,-1000,0]]}'),
	(19, 'plain-3', 13, 'adjust', 'adjust/a-1', 5, NULL, 77, 0, 0, 0, 0, 0, 49337, 148, 10, 0, 49305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x9a48a1693bfc6615cad6e74248dd8c7a', '{"points":77,"reason":"an apology","debt_paid":0}'),
	(61, 'giver-4', 1, 'accrue', 'order/o-1', 1, 'o-1', 300, 0, 0, 0, 300, 0, 300, 0, 0, 0, 300, 0, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x135c083aa6a9840c3539fd29b3a49b90', '{"breakdown":[["purchase","1 point per yuan",300]],"expires_at":"2027-11-23T16:00:00Z","tier":"bronze","tier_change":{"from":"bronze","to":"silver","benefits_gained":["discount","priority_activities"]}}'),
	(61, 'giver-4', 2, 'accrue', 'order/o-2', 2, 'o-2', 25000, 0, 0, 0, 25000, 1000, 25300, 0, 0, 0, 25300, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x6e637642d50aa05a7d348112950d03a6', '{"breakdown":[["purchase","1 point per yuan",25000]],"expires_at":"2027-11-23T16:00:00Z","tier":"silver","tier_change":{"from":"silver","to":"platinum","benefits_gained":["free_shipping","own_service","new_products_first"]}}'),
	(61, 'giver-4', 3, 'accrue', 'order/o-3', 3, 'o-3', 0, 148, 0, 0, 0, 0, 25300, 148, 0, 0, 25300, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x18d14ecfc27297d21fca3825ac9ae6ab', '{"breakdown":[["purchase","1 point per yuan",99],["tier:platinum","platinum ×1.5",49]],"expires_at":"2027-11-23T16:00:00Z","tier":"platinum","pending":true}'),
	(61, 'giver-4', 4, 'sign_in', 'sign_in/2026-11-23', 4, NULL, 10, 0, 0, 0, 5, 0, 25310, 148, 0, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x70962727419e2e54f4d77b23463eeef6', '{"points":10,"streak":1,"breakdown":[["sign_in","daily sign-in",10]],"debt_paid":0}'),
	(61, 'giver-4', 5, 'redeem', 'redeem/r-1', NULL, NULL, -20, 0, 0, 0, 0, 0, 25290, 148, 0, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x4c7f281c2b5a3d4a360379abb1477352', '{"points":20,"value":20,"lots":[[1,20,"2027-11-23T16:00:00Z"]],"hold_expires_at":null}'),
	(61, 'giver-4', 6, 'reserve', 'redeem/r-2', NULL, NULL, -30, 0, 30, 0, 0, 0, 25260, 148, 30, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xb1fbda2fe69832f038081c001b121dab', '{"points":30,"value":30,"lots":[[1,30,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(61, 'giver-4', 7, 'reserve', 'redeem/r-3', NULL, NULL, -40, 0, 40, 0, 0, 0, 25220, 148, 70, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xd66a40f86ea0fdda307eff7f9a75c23d', '{"points":40,"value":40,"lots":[[1,40,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(61, 'giver-4', 8, 'reserve', 'redeem/r-4', NULL, NULL, -10, 0, 10, 0, 0, 0, 25210, 148, 80, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xb07e65d37d922d733157e0d4a642c19d', '{"points":10,"value":10,"lots":[[1,10,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(61, 'giver-4', 9, 'commit', 'commit/r-2', NULL, NULL, 5, 0, -30, 0, 0, 0, 25215, 148, 50, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xe32f48c181884a5371cf68bd2533a1bc', '{"points":25,"value":25,"lots":[[1,25,"2027-11-23T16:00:00Z"]],"freed":5,"expired":0,"debt_paid":0,"moves":[[1,5,-30]]}'),
	(61, 'giver-4', 10, 'cancel', 'cancel/r-3', NULL, NULL, 40, 0, -40, 0, 0, 0, 25255, 148, 10, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x434b71f85080da6e7bc106a67516b152', '{"points":40,"expired":0,"debt_paid":0,"lots":[[1,40,"2027-11-23T16:00:00Z"]],"moves":[[1,40,-40]]}'),
	(61, 'giver-4', 11, 'refund', 'refund/r-1/f-1', NULL, NULL, 5, 0, 0, 0, 0, 0, 25260, 148, 10, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x758b67d7aa6f20db53a5419b5611e9e3', '{"points":5,"expired":0,"debt_paid":0,"lots":[[1,5,"2027-11-23T16:00:00Z"]],"rest":15,"moves":[[1,5,0]]}'),
	(61, 'giver-4', 12, 'reverse', 'reverse/o-2/v-1', NULL, 'o-2', -1000, 0, 0, 0, -1000, 0, 24260, 148, 10, 0, 24305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x8e026ed3bc2f87f16135259977b4316e', '{"points":1000,"recovered":1000,"shortfall":0,"amount":100000,"tier":"platinum","moves":[[2,-1000,0]]}'),
	(61, 'giver-4', 13, 'adjust', 'adjust/a-1', 5, NULL, 77, 0, 0, 0, 0, 0, 24337, 148, 10, 0, 24305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x3883c24ca95a53276afc1cb2f10e1b9f', '{"points":77,"reason":"an apology","debt_paid":0}'),
	(61, 'giver-4', 14, 'transfer', 'transfer/t-1', NULL, NULL, -50, 0, 0, 0, 0, 0, 24287, 148, 10, 0, 24305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x4108e3752392c31dc202c82e8d7ec10f', '{"points":50,"to":"plain-3","lots":[[1,50,"2027-11-23T16:00:00Z"]]}'),
	(19, 'plain-3', 14, 'receive', 'receive/giver-4/t-1', 6, NULL, 50, 0, 0, 0, 0, 0, 49387, 148, 10, 0, 49305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x', '{"points":50,"from":"giver-4","debt_paid":0,"moves":[[6,50,0]]}'),
	(44, 'busy-5', 1, 'accrue', 'order/o-1', 1, 'o-1', 300, 0, 0, 0, 300, 0, 300, 0, 0, 0, 300, 0, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xecbdf4d3bd1bfe3c1e2c2dab187bd20b', '{"breakdown":[["purchase","1 point per yuan",300]],"expires_at":"2027-11-23T16:00:00Z","tier":"bronze","tier_change":{"from":"bronze","to":"silver","benefits_gained":["discount","priority_activities"]}}'),
	(44, 'busy-5', 2, 'accrue', 'order/o-2', 2, 'o-2', 50000, 0, 0, 0, 50000, 1000, 50300, 0, 0, 0, 50300, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x047ee7ca05d011b11459f9a1dc2a0ada', '{"breakdown":[["purchase","1 point per yuan",50000]],"expires_at":"2027-11-23T16:00:00Z","tier":"silver","tier_change":{"from":"silver","to":"platinum","benefits_gained":["free_shipping","own_service","new_products_first"],"review_opened":"diamond"}}'),
	(44, 'busy-5', 3, 'accrue', 'order/o-3', 3, 'o-3', 0, 148, 0, 0, 0, 0, 50300, 148, 0, 0, 50300, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x8106397f04af332fd1bf68abefd0423b', '{"breakdown":[["purchase","1 point per yuan",99],["tier:platinum","platinum ×1.5",49]],"expires_at":"2027-11-23T16:00:00Z","tier":"platinum","pending":true}'),
	(44, 'busy-5', 4, 'sign_in', 'sign_in/2026-11-23', 4, NULL, 10, 0, 0, 0, 5, 0, 50310, 148, 0, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xa4348a191acc5ec10f6c1e4c9c2a512d', '{"points":10,"streak":1,"breakdown":[["sign_in","daily sign-in",10]],"debt_paid":0}'),
	(44, 'busy-5', 5, 'redeem', 'redeem/r-1', NULL, NULL, -20, 0, 0, 0, 0, 0, 50290, 148, 0, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x251eb116b98dd20c81968bb45d36bfc7', '{"points":20,"value":20,"lots":[[1,20,"2027-11-23T16:00:00Z"]],"hold_expires_at":null}'),
	(44, 'busy-5', 6, 'reserve', 'redeem/r-2', NULL, NULL, -30, 0, 30, 0, 0, 0, 50260, 148, 30, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x07ead448e1854ab429a1ff1f483a4953', '{"points":30,"value":30,"lots":[[1,30,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(44, 'busy-5', 7, 'reserve', 'redeem/r-3', NULL, NULL, -40, 0, 40, 0, 0, 0, 50220, 148, 70, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x03b819cb1236ec2121e2fefe5185082a', '{"points":40,"value":40,"lots":[[1,40,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(44, 'busy-5', 8, 'reserve', 'redeem/r-4', NULL, NULL, -10, 0, 10, 0, 0, 0, 50210, 148, 80, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x527cc6cc5da4d3f971be20f8e2149e7a', '{"points":10,"value":10,"lots":[[1,10,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(44, 'busy-5', 9, 'commit', 'commit/r-2', NULL, NULL, 5, 0, -30, 0, 0, 0, 50215, 148, 50, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x5aba2c7bc7642f708a9ad31207576f71', '{"points":25,"value":25,"lots":[[1,25,"2027-11-23T16:00:00Z"]],"freed":5,"expired":0,"debt_paid":0,"moves":[[1,5,-30]]}'),
	(44, 'busy-5', 10, 'cancel', 'cancel/r-3', NULL, NULL, 40, 0, -40, 0, 0, 0, 50255, 148, 10, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xc545040402a0247b78e4c56ea4821085', '{"points":40,"expired":0,"debt_paid":0,"lots":[[1,40,"2027-11-23T16:00:00Z"]],"moves":[[1,40,-40]]}'),
	(44, 'busy-5', 11, 'refund', 'refund/r-1/f-1', NULL, NULL, 5, 0, 0, 0, 0, 0, 50260, 148, 10, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x0806c9bbcd943763f5167289bf1f4c0a', '{"points":5,"expired":0,"debt_paid":0,"lots":[[1,5,"2027-11-23T16:00:00Z"]],"rest":15,"moves":[[1,5,0]]}'),
	(44, 'busy-5', 12, 'reverse', 'reverse/o-2/v-1', NULL, 'o-2', -1000, 0, 0, 0, -1000, 0, 49260, 148, 10, 0, 49305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xb771eea34081f8fd4a8ccd06ad72c9bd', '{"points":1000,"recovered":1000,"shortfall":0,"amount":100000,"tier":"platinum","moves":[[2,-1000,0]]}'),
	(44, 'busy-5', 13, 'adjust', 'adjust/a-1', 5, NULL, 77, 0, 0, 0, 0, 0, 49337, 148, 10, 0, 49305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x1a550b28fd1ff37abe2801e82d5eaf64', '{"points":77,"reason":"an apology","debt_paid":0}'),
	(28, 'plain-6', 1, 'accrue', 'order/o-1', 1, 'o-1', 300, 0, 0, 0, 300, 0, 300, 0, 0, 0, 300, 0, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x885d829152821b6f32787cef9feb4586', '{"breakdown":[["purchase","1 point per yuan",300]],"expires_at":"2027-11-23T16:00:00Z","tier":"bronze","tier_change":{"from":"bronze","to":"silver","benefits_gained":["discount","priority_activities"]}}'),
	(28, 'plain-6', 2, 'accrue', 'order/o-2', 2, 'o-2', 25000, 0, 0, 0, 25000, 1000, 25300, 0, 0, 0, 25300, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x56bd42db93624eb4e13c465b49266331', '{"breakdown":[["purchase","1 point per yuan",25000]],"expires_at":"2027-11-23T16:00:00Z","tier":"silver","tier_change":{"from":"silver","to":"platinum","benefits_gained":["free_shipping","own_service","new_products_first"]}}'),
	(28, 'plain-6', 3, 'accrue', 'order/o-3', 3, 'o-3', 0, 148, 0, 0, 0, 0, 25300, 148, 0, 0, 25300, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xb9fa5ed95a6b4491640408c8fc6cca3b', '{"breakdown":[["purchase","1 point per yuan",99],["tier:platinum","platinum ×1.5",49]],"expires_at":"2027-11-23T16:00:00Z","tier":"platinum","pending":true}'),
	(28, 'plain-6', 4, 'sign_in', 'sign_in/2026-11-23', 4, NULL, 10, 0, 0, 0, 5, 0, 25310, 148, 0, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x8c76389ea3ac5c6940a42f7bfe3b5db1', '{"points":10,"streak":1,"breakdown":[["sign_in","daily sign-in",10]],"debt_paid":0}'),
	(28, 'plain-6', 5, 'redeem', 'redeem/r-1', NULL, NULL, -20, 0, 0, 0, 0, 0, 25290, 148, 0, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xacebb6a051fb0777573033c150b0ede4', '{"points":20,"value":20,"lots":[[1,20,"2027-11-23T16:00:00Z"]],"hold_expires_at":null}'),
	(28, 'plain-6', 6, 'reserve', 'redeem/r-2', NULL, NULL, -30, 0, 30, 0, 0, 0, 25260, 148, 30, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x1d4d012347797b6c9df9e05c0d7a39f2', '{"points":30,"value":30,"lots":[[1,30,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(28, 'plain-6', 7, 'reserve', 'redeem/r-3', NULL, NULL, -40, 0, 40, 0, 0, 0, 25220, 148, 70, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xb511cf59b8009e0106cc728a349121db', '{"points":40,"value":40,"lots":[[1,40,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(28, 'plain-6', 8, 'reserve', 'redeem/r-4', NULL, NULL, -10, 0, 10, 0, 0, 0, 25210, 148, 80, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xb763fbd1d851bd4371c3cf8d59674ea1', '{"points":10,"value":10,"lots":[[1,10,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(28, 'plain-6', 9, 'commit', 'commit/r-2', NULL, NULL, 5, 0, -30, 0, 0, 0, 25215, 148, 50, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x65cf5babddbde76114fa93844f2d4681', '{"points":25,"value":25,"lots":[[1,25,"2027-11-23T16:00:00Z"]],"freed":5,"expired":0,"debt_paid":0,"moves":[[1,5,-30]]}'),
	(28, 'plain-6', 10, 'cancel', 'cancel/r-3', NULL, NULL, 40, 0, -40, 0, 0, 0, 25255, 148, 10, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x897ba7555f8be633c9bcb39079d8f432', '{"points":40,"expired":0,"debt_paid":0,"lots":[[1,40,"2027-11-23T16:00:00Z"]],"moves":[[1,40,-40]]}'),
	(28, 'plain-6', 11, 'refund', 'refund/r-1/f-1', NULL, NULL, 5, 0, 0, 0, 0, 0, 25260, 148, 10, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x29fa054d1389c4f74167a254ee0ba285', '{"points":5,"expired":0,"debt_paid":0,"lots":[[1,5,"2027-11-23T16:00:00Z"]],"rest":15,"moves":[[1,5,0]]}'),
	(28, 'plain-6', 12, 'reverse', 'reverse/o-2/v-1', NULL, 'o-2', -1000, 0, 0, 0, -1000, 0, 24260, 148, 10, 0, 24305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x3c05d71b27c487767f33efffef1d510a', '{"points":1000,"recovered":1000,"shortfall":0,"amount":100000,"tier":"platinum","moves":[[2,-1000,0]]}'),
	(28, 'plain-6', 13, 'adjust', 'adjust/a-1', 5, NULL, 77, 0, 0, 0, 0, 0, 24337, 148, 10, 0, 24305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xc2ce76641548a4069ca3440b19e5c518', '{"points":77,"reason":"an apology","debt_paid":0}'),
	(7, 'giver-7', 1, 'accrue', 'order/o-1', 1, 'o-1', 300, 0, 0, 0, 300, 0, 300, 0, 0, 0, 300, 0, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x32f58c42ba0e7767bec4544945008bfa', '{"breakdown":[["purchase","1 point per yuan",300]],"expires_at":"2027-11-23T16:00:00Z","tier":"bronze","tier_change":{"from":"bronze","to":"silver","benefits_gained":["discount","priority_activities"]}}'),
	(7, 'giver-7', 2, 'accrue', 'order/o-2', 2, 'o-2', 50000, 0, 0, 0, 50000, 1000, 50300, 0, 0, 0, 50300, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x6ab77abb597cf2a154dec758f2f8d610', '{"breakdown":[["purchase","1 point per yuan",50000]],"expires_at":"2027-11-23T16:00:00Z","tier":"silver","tier_change":{"from":"silver","to":"platinum","benefits_gained":["free_shipping","own_service","new_products_first"],"review_opened":"diamond"}}'),
	(7, 'giver-7', 3, 'accrue', 'order/o-3', 3, 'o-3', 0, 148, 0, 0, 0, 0, 50300, 148, 0, 0, 50300, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x3039f6ca2658944ed87d61e665c0b421', '{"breakdown":[["purchase","1 point per yuan",99],["tier:platinum","platinum ×1.5",49]],"expires_at":"2027-11-23T16:00:00Z","tier":"platinum","pending":true}'),
	(7, 'giver-7', 4, 'sign_in', 'sign_in/2026-11-23', 4, NULL, 10, 0, 0, 0, 5, 0, 50310, 148, 0, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xc140b142d8416d1d26f787f39f5af297', '{"points":10,"streak":1,"breakdown":[["sign_in","daily sign-in",10]],"debt_paid":0}'),
	(7, 'giver-7', 5, 'redeem', 'redeem/r-1', NULL, NULL, -20, 0, 0, 0, 0, 0, 50290, 148, 0, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xc6eadec2c7e7c45ec38c6fda89594293', '{"points":20,"value":20,"lots":[[1,20,"2027-11-23T16:00:00Z"]],"hold_expires_at":null}'),
	(7, 'giver-7', 6, 'reserve', 'redeem/r-2', NULL, NULL, -30, 0, 30, 0, 0, 0, 50260, 148, 30, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xaa0b7f4db9e27b0d77d4eca50d35a67d', '{"points":30,"value":30,"lots":[[1,30,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(7, 'giver-7', 7, 'reserve', 'redeem/r-3', NULL, NULL, -40, 0, 40, 0, 0, 0, 50220, 148, 70, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x7935ed0d481f18e6cdb6c5935d3422ad', '{"points":40,"value":40,"lots":[[1,40,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(7, 'giver-7', 8, 'reserve', 'redeem/r-4', NULL, NULL, -10, 0, 10, 0, 0, 0, 50210, 148, 80, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x3e149ae3e8b861c6eb92a331e4719a9d', '{"points":10,"value":10,"lots":[[1,10,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(7, 'giver-7', 9, 'commit', 'commit/r-2', NULL, NULL, 5, 0, -30, 0, 0, 0, 50215, 148, 50, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x4a6f9a1b1dd6a78333d2febc85c17fa0', '{"points":25,"value":25,"lots":[[1,25,"2027-11-23T16:00:00Z"]],"freed":5,"expired":0,"debt_paid":0,"moves":[[1,5,-30]]}'),
	(7, 'giver-7', 10, 'cancel', 'cancel/r-3', NULL, NULL, 40, 0, -40, 0, 0, 0, 50255, 148, 10, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x4d026edf5dd7631f7fa71619b01d710e', '{"points":40,"expired":0,"debt_paid":0,"lots":[[1,40,"2027-11-23T16:00:00Z"]],"moves":[[1,40,-40]]}'),
	(7, 'giver-7', 11, 'refund', 'refund/r-1/f-1', NULL, NULL, 5, 0, 0, 0, 0, 0, 50260, 148, 10, 0, 50305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xdda35aa6937baf9c93af884a4487962b', '{"points":5,"expired":0,"debt_paid":0,"lots":[[1,5,"2027-11-23T16:00:00Z"]],"rest":15,"moves":[[1,5,0]]}'),
	(7, 'giver-7', 12, 'reverse', 'reverse/o-2/v-1', NULL, 'o-2', -1000, 0, 0, 0, -1000, 0, 49260, 148, 10, 0, 49305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x0152a91d4cf0f12640e7b614aefa82d5', '{"points":1000,"recovered":1000,"shortfall":0,"amount":100000,"tier":"platinum","moves":[[2,-1000,0]]}'),
	(7, 'giver-7', 13, 'adjust', 'adjust/a-1', 5, NULL, 77, 0, 0, 0, 0, 0, 49337, 148, 10, 0, 49305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x099be5772cdeec63b07aa2febaede216', '{"points":77,"reason":"an apology","debt_paid":0}'),
	(7, 'giver-7', 14, 'transfer', 'transfer/t-1', NULL, NULL, -50, 0, 0, 0, 0, 0, 49287, 148, 10, 0, 49305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x2e405958f260687a6f3f09e89c8591fe', '{"points":50,"to":"plain-6","lots":[[1,50,"2027-11-23T16:00:00Z"]]}'),
	(28, 'plain-6', 14, 'receive', 'receive/giver-7/t-1', 6, NULL, 50, 0, 0, 0, 0, 0, 24387, 148, 10, 0, 24305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x', '{"points":50,"from":"giver-7","debt_paid":0,"moves":[[6,50,0]]}'),
	(17, 'busy-8', 1, 'accrue', 'order/o-1', 1, 'o-1', 300, 0, 0, 0, 300, 0, 300, 0, 0, 0, 300, 0, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x83bd7cab302fbdade479bef809fabc5b', '{"breakdown":[["purchase","1 point per yuan",300]],"expires_at":"2027-11-23T16:00:00Z","tier":"bronze","tier_change":{"from":"bronze","to":"silver","benefits_gained":["discount","priority_activities"]}}'),
	(17, 'busy-8', 2, 'accrue', 'order/o-2', 2, 'o-2', 25000, 0, 0, 0, 25000, 1000, 25300, 0, 0, 0, 25300, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x7d462e60e505a2c2d87fdae36f0a33f3', '{"breakdown":[["purchase","1 point per yuan",25000]],"expires_at":"2027-11-23T16:00:00Z","tier":"silver","tier_change":{"from":"silver","to":"platinum","benefits_gained":["free_shipping","own_service","new_products_first"]}}'),
	(17, 'busy-8', 3, 'accrue', 'order/o-3', 3, 'o-3', 0, 148, 0, 0, 0, 0, 25300, 148, 0, 0, 25300, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x64e80ed263acb8d7f158de2ea2a9609f', '{"breakdown":[["purchase","1 point per yuan",99],["tier:platinum","platinum ×1.5",49]],"expires_at":"2027-11-23T16:00:00Z","tier":"platinum","pending":true}'),
	(17, 'busy-8', 4, 'sign_in', 'sign_in/2026-11-23', 4, NULL, 10, 0, 0, 0, 5, 0, 25310, 148, 0, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xfe5e9463b7d4cf8ccd8b7da3e6386ca4', '{"points":10,"streak":1,"breakdown":[["sign_in","daily sign-in",10]],"debt_paid":0}'),
	(17, 'busy-8', 5, 'redeem', 'redeem/r-1', NULL, NULL, -20, 0, 0, 0, 0, 0, 25290, 148, 0, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x509a62c381c54edaa0f3f746a2127241', '{"points":20,"value":20,"lots":[[1,20,"2027-11-23T16:00:00Z"]],"hold_expires_at":null}'),
	(17, 'busy-8', 6, 'reserve', 'redeem/r-2', NULL, NULL, -30, 0, 30, 0, 0, 0, 25260, 148, 30, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xab67dfe1f6cec2a35bb1cc04611ca91f', '{"points":30,"value":30,"lots":[[1,30,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(17, 'busy-8', 7, 'reserve', 'redeem/r-3', NULL, NULL, -40, 0, 40, 0, 0, 0, 25220, 148, 70, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\xa50419e9a2e77c9788e518d7dd318410', '{"points":40,"value":40,"lots":[[1,40,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(17, 'busy-8', 8, 'reserve', 'redeem/r-4', NULL, NULL, -10, 0, 10, 0, 0, 0, 25210, 148, 80, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x937da2778cd66abd901da6fe152d1116', '{"points":10,"value":10,"lots":[[1,10,"2027-11-23T16:00:00Z"]],"hold_expires_at":"2026-11-23T15:45:22.631579Z"}'),
	(17, 'busy-8', 9, 'commit', 'commit/r-2', NULL, NULL, 5, 0, -30, 0, 0, 0, 25215, 148, 50, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x9f70f5cb370755c6bd5c0bbad49e239c', '{"points":25,"value":25,"lots":[[1,25,"2027-11-23T16:00:00Z"]],"freed":5,"expired":0,"debt_paid":0,"moves":[[1,5,-30]]}'),
	(17, 'busy-8', 10, 'cancel', 'cancel/r-3', NULL, NULL, 40, 0, -40, 0, 0, 0, 25255, 148, 10, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x940e69534ae6b25431628c4a32ae0a3b', '{"points":40,"expired":0,"debt_paid":0,"lots":[[1,40,"2027-11-23T16:00:00Z"]],"moves":[[1,40,-40]]}'),
	(17, 'busy-8', 11, 'refund', 'refund/r-1/f-1', NULL, NULL, 5, 0, 0, 0, 0, 0, 25260, 148, 10, 0, 25305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x2759407770ad8bf0e9a1353718333979', '{"points":5,"expired":0,"debt_paid":0,"lots":[[1,5,"2027-11-23T16:00:00Z"]],"rest":15,"moves":[[1,5,0]]}'),
	(17, 'busy-8', 12, 'reverse', 'reverse/o-2/v-1', NULL, 'o-2', -1000, 0, 0, 0, -1000, 0, 24260, 148, 10, 0, 24305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x24e542f5e105b1f0bc7dc48ccbde04ba', '{"points":1000,"recovered":1000,"shortfall":0,"amount":100000,"tier":"platinum","moves":[[2,-1000,0]]}'),
	(17, 'busy-8', 13, 'adjust', 'adjust/a-1', 5, NULL, 77, 0, 0, 0, 0, 0, 24337, 148, 10, 0, 24305, 1000, '2026-11-23 15:15:22.631579+00', '2026-11-23 15:15:22.631579+00', 1, 'bootstrap', '0ULOWS59c72qLPCO', '\x9bfa605a0e0dcdfdfd7c5718f9b4de64', '{"points":77,"reason":"an apology","debt_paid":0}');
INSERT INTO public.lot VALUES
	(41, 'plain-0', 1, 1, 'order', false, 300, 250, 10, 40, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, 'o-1', 30000, 0, 'bronze', NULL),
	(41, 'plain-0', 2, 2, 'order', false, 25000, 24000, 0, 0, 0, 1000, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, 'o-2', 2500000, 100000, 'silver', NULL),
	(41, 'plain-0', 3, 3, 'order', true, 148, 148, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', '2026-12-08 15:15:22.631579+00', 1, 'o-3', 9900, 0, 'platinum', NULL),
	(41, 'plain-0', 4, 4, 'sign_in', false, 10, 10, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, NULL, NULL, NULL, NULL, NULL),
	(41, 'plain-0', 5, 13, 'adjustment', false, 77, 77, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, NULL, NULL, NULL, NULL, NULL),
	(50, 'giver-1', 1, 1, 'order', false, 300, 200, 10, 40, 0, 0, 50, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, 'o-1', 30001, 0, 'bronze', NULL),
	(50, 'giver-1', 2, 2, 'order', false, 50000, 49000, 0, 0, 0, 1000, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, 'o-2', 5000000, 100000, 'silver', NULL),
	(50, 'giver-1', 3, 3, 'order', true, 148, 148, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', '2026-12-08 15:15:22.631579+00', 1, 'o-3', 9900, 0, 'platinum', NULL),
	(50, 'giver-1', 4, 4, 'sign_in', false, 10, 10, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, NULL, NULL, NULL, NULL, NULL),
	(50, 'giver-1', 5, 13, 'adjustment', false, 77, 77, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, NULL, NULL, NULL, NULL, NULL),
	(41, 'plain-0', 6, 14, 'transfer', false, 50, 50, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, NULL, NULL, NULL, NULL, NULL),
	(15, 'busy-2', 1, 1, 'order', false, 300, 250, 10, 40, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, 'o-1', 30002, 0, 'bronze', NULL),
	(15, 'busy-2', 2, 2, 'order', false, 25000, 24000, 0, 0, 0, 1000, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, 'o-2', 2500000, 100000, 'silver', NULL),
	(15, 'busy-2', 3, 3, 'order', true, 148, 148, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', '2026-12-08 15:15:22.631579+00', 1, 'o-3', 9900, 0, 'platinum', NULL),
	(15, 'busy-2', 4, 4, 'sign_in', false, 10, 10, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, NULL, NULL, NULL, NULL, NULL),
	(15, 'busy-2', 5, 13, 'adjustment', false, 77, 77, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, NULL, NULL, NULL, NULL, NULL),
	(19, 'plain-3', 1, 1, 'order', false, 300, 250, 10, 40, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, 'o-1', 30003, 0, 'bronze', NULL),
	(19, 'plain-3', 2, 2, 'order', false, 50000, 49000, 0, 0, 0, 1000, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, 'o-2', 5000000, 100000, 'silver', NULL),
	(19, 'plain-3', 3, 3, 'order', true, 148, 148, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', '2026-12-08 15:15:22.631579+00', 1, 'o-3', 9900, 0, 'platinum', NULL),
	(19, 'plain-3', 4, 4, 'sign_in', false, 10, 10, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, NULL, NULL, NULL, NULL, NULL),
	(19, 'plain-3', 5, 13, 'adjustment', false, 77, 77, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, NULL, NULL, NULL, NULL, NULL),
	(61, 'giver-4', 1, 1, 'order', false, 300, 200, 10, 40, 0, 0, 50, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, 'o-1', 30004, 0, 'bronze', NULL),
	(61, 'giver-4', 2, 2, 'order', false, 25000, 24000, 0, 0, 0, 1000, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, 'o-2', 2500000, 100000, 'silver', NULL),
	(61, 'giver-4', 3, 3, 'order', true, 148, 148, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', '2026-12-08 15:15:22.631579+00', 1, 'o-3', 9900, 0, 'platinum', NULL),
	(61, 'giver-4', 4, 4, 'sign_in', false, 10, 10, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, NULL, NULL, NULL, NULL, NULL),
	(61, 'giver-4', 5, 13, 'adjustment', false, 77, 77, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, NULL, NULL, NULL, NULL, NULL),
	(19, 'plain-3', 6, 14, 'transfer', false, 50, 50, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, NULL, NULL, NULL, NULL, NULL),
	(44, 'busy-5', 1, 1, 'order', false, 300, 250, 10, 40, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, 'o-1', 30005, 0, 'bronze', NULL),
	(44, 'busy-5', 2, 2, 'order', false, 50000, 49000, 0, 0, 0, 1000, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, 'o-2', 5000000, 100000, 'silver', NULL),
	(44, 'busy-5', 3, 3, 'order', true, 148, 148, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', '2026-12-08 15:15:22.631579+00', 1, 'o-3', 9900, 0, 'platinum', NULL),
	(44, 'busy-5', 4, 4, 'sign_in', false, 10, 10, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, NULL, NULL, NULL, NULL, NULL),
	(44, 'busy-5', 5, 13, 'adjustment', false, 77, 77, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, NULL, NULL, NULL, NULL, NULL),
	(28, 'plain-6', 1, 1, 'order', false, 300, 250, 10, 40, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, 'o-1', 30006, 0, 'bronze', NULL),
	(28, 'plain-6', 2, 2, 'order', false, 25000, 24000, 0, 0, 0, 1000, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, 'o-2', 2500000, 100000, 'silver', NULL),
	(28, 'plain-6', 3, 3, 'order', true, 148, 148, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', '2026-12-08 15:15:22.631579+00', 1, 'o-3', 9900, 0, 'platinum', NULL),
	(28, 'plain-6', 4, 4, 'sign_in', false, 10, 10, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, NULL, NULL, NULL, NULL, NULL),
	(28, 'plain-6', 5, 13, 'adjustment', false, 77, 77, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, NULL, NULL, NULL, NULL, NULL),
	(7, 'giver-7', 1, 1, 'order', false, 300, 200, 10, 40, 0, 0, 50, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, 'o-1', 30007, 0, 'bronze', NULL),
	(7, 'giver-7', 2, 2, 'order', false, 50000, 49000, 0, 0, 0, 1000, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, 'o-2', 5000000, 100000, 'silver', NULL),
	(7, 'giver-7', 3, 3, 'order', true, 148, 148, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', '2026-12-08 15:15:22.631579+00', 1, 'o-3', 9900, 0, 'platinum', NULL),
	(7, 'giver-7', 4, 4, 'sign_in', false, 10, 10, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, NULL, NULL, NULL, NULL, NULL),
	(7, 'giver-7', 5, 13, 'adjustment', false, 77, 77, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, NULL, NULL, NULL, NULL, NULL),
	(28, 'plain-6', 6, 14, 'transfer', false, 50, 50, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, NULL, NULL, NULL, NULL, NULL),
	(17, 'busy-8', 1, 1, 'order', false, 300, 250, 10, 40, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, 'o-1', 30008, 0, 'bronze', NULL),
	(17, 'busy-8', 2, 2, 'order', false, 25000, 24000, 0, 0, 0, 1000, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, 'o-2', 2500000, 100000, 'silver', NULL),
	(17, 'busy-8', 3, 3, 'order', true, 148, 148, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', '2026-12-08 15:15:22.631579+00', 1, 'o-3', 9900, 0, 'platinum', NULL),
	(17, 'busy-8', 4, 4, 'sign_in', false, 10, 10, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, NULL, NULL, NULL, NULL, NULL),
	(17, 'busy-8', 5, 13, 'adjustment', false, 77, 77, 0, 0, 0, 0, 0, '2026-11-23 15:15:22.631579+00', '2027-11-23 16:00:00+00', NULL, 1, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.person VALUES
	(41, 'plain-0', '\x01026b31e0c2c4f2653862cd1d26833d5d2ecee89739b26fd706946e022b521aaeb3985d4c487ec7', '\x01026b31c6484b6c396c77563f25ec9b37eefeb883cbb73ad8f6d3602e3f51cc570b7170b586889cc2601e9cc2f1', NULL, NULL, '\xb1bf77559c8fa4f4ed25094cf5f5ba5157919e875fff6e98533d0bf121066d0f', NULL, NULL, NULL, NULL, '{}', '{}', 1, '2026-11-23 15:15:22.631579+00'),
	(50, 'giver-1', '\x01026b31d1c0fbbc1dd9cb6f7faf03ba3b2775f5923a5f5d7163173ce02926db5f6fe6afe7d0a71d', '\x01026b31a58bed859b0110eb9a5a750308ddf9ea450e3ba72d1bc92af32048898df7c3ff32150be29b8dcdc076dc', NULL, NULL, '\x4363a41362d120076e9ff45c91565c670ce1f49794d21776c4fb3f631b767520', NULL, NULL, NULL, NULL, '{}', '{}', 1, '2026-11-23 15:15:22.631579+00'),
	(15, 'busy-2', '\x01026b315ceff8a4b75f686b63f65ad4a68695b6bc4a202257072ae05561590340440144517c45b8', '\x01026b31f099eea22cad227eb590723ec88f1db4f09e6b2fdd8d6b60fa56bb12f307426c21d85863f77b89d17058', NULL, NULL, '\xc5b064494956790c4b6b4d9230331444f774378286f7e8fa7556784af7306a3a', NULL, NULL, NULL, NULL, '{}', '{}', 1, '2026-11-23 15:15:22.631579+00'),
	(19, 'plain-3', '\x01026b3171923b7b28ba2ca1a9666c7812626533dc1b219f8108884d78577b000aaf04a5202f008a', '\x01026b31892daa6bbf68f1449c631731d8ed1b9da5631820a9370544f549246cf6d7d708d180f11cc83753b340fc', NULL, NULL, '\xbfc828749fcc65eff86c5bbae302cfb65147cdae82f2f5d8d8e8b8b37f73c154', NULL, NULL, NULL, NULL, '{}', '{}', 1, '2026-11-23 15:15:22.631579+00'),
	(61, 'giver-4', '\x01026b31454fe5af6e94856b99fd6248ce93311d0c1b83956992a3392c3979e8500cd2580d498ca5', '\x01026b31629fef92e3ade7d3945aa8f8551025bf2a780133db59463b7d4c311a8a4b24ebb9c1a122d1e33d4005c0', NULL, NULL, '\xcb3170ceeeb0f42efa36a358e3d1ae875da77d9759e5cdfa2518be0ff4598d48', NULL, NULL, NULL, NULL, '{}', '{}', 1, '2026-11-23 15:15:22.631579+00'),
	(44, 'busy-5', '\x01026b310a5cf4b042aebb9d785d7c039e35d71b392585a9ae370144718970de28965d2abb7a77e1', '\x01026b31681db78e70409c8afc30eef7db595e0d480b44490d64793bc1990a9b3e8ac5e14ab4b92e75ed6d377278', NULL, NULL, '\xe941fda807086b364292c0362ae4076cea10fc432d924445695f28068135f8fe', NULL, NULL, NULL, NULL, '{}', '{}', 1, '2026-11-23 15:15:22.631579+00'),
	(28, 'plain-6', '\x01026b310d870f5a975f87005b0b9c08416ce34cc6dfd0a883a4cbe8f83368b54987dd5aea2b0a68', '\x01026b319cb95fdaf32ddc4ba642c3201f8ce672c6e5021e39034bbcefde262adb4a5cbad63960fb5cf2ab2f9958', NULL, NULL, '\x10ba6a9e8ae69f82ec888f716decad134781e549cf8bfc61e8d1588caf8657b8', NULL, NULL, NULL, NULL, '{}', '{}', 1, '2026-11-23 15:15:22.631579+00'),
	(7, 'giver-7', '\x01026b310657d2c4c13c9eea2f43fc3504b1be3ee0f79c6415ec8694c47679b4a8803e0e419f1cba', '\x01026b318902308ffc4d75556f6a9065694c21b4f8fa9ceda0336861eb33b0084ada60c78747f23c22862a095ae2', NULL, NULL, '\x7da83cb21ad541d61c17ba57578c9d96ab005380028eea0c83e7f7f82e4d348e', NULL, NULL, NULL, NULL, '{}', '{}', 1, '2026-11-23 15:15:22.631579+00'),
	(17, 'busy-8', '\x01026b319d352611f6cec7be45682bbc9630911732b4a50d5aece511a33db248ed35cccb0c521aba', '\x01026b31d179bb9a7dfc9db52c85b2616f3c9a736d807f370e722ce438b54e5f32a72ae730da623a75680be23e02', NULL, NULL, '\x4bb12bd29e2ff0df613b3e254f14f2413f9845898614b3c1c02e3fec027521c9', NULL, NULL, NULL, NULL, '{}', '{}', 1, '2026-11-23 15:15:22.631579+00');
INSERT INTO public.person_lookup VALUES
	(49, '\xb1bf77559c8fa4f4ed25094cf5f5ba5157919e875fff6e98533d0bf121066d0f', 'phone', 'plain-0'),
	(3, '\x4363a41362d120076e9ff45c91565c670ce1f49794d21776c4fb3f631b767520', 'phone', 'giver-1'),
	(5, '\xc5b064494956790c4b6b4d9230331444f774378286f7e8fa7556784af7306a3a', 'phone', 'busy-2'),
	(63, '\xbfc828749fcc65eff86c5bbae302cfb65147cdae82f2f5d8d8e8b8b37f73c154', 'phone', 'plain-3'),
	(11, '\xcb3170ceeeb0f42efa36a358e3d1ae875da77d9759e5cdfa2518be0ff4598d48', 'phone', 'giver-4'),
	(41, '\xe941fda807086b364292c0362ae4076cea10fc432d924445695f28068135f8fe', 'phone', 'busy-5'),
	(16, '\x10ba6a9e8ae69f82ec888f716decad134781e549cf8bfc61e8d1588caf8657b8', 'phone', 'plain-6'),
	(61, '\x7da83cb21ad541d61c17ba57578c9d96ab005380028eea0c83e7f7f82e4d348e', 'phone', 'giver-7'),
	(11, '\x4bb12bd29e2ff0df613b3e254f14f2413f9845898614b3c1c02e3fec027521c9', 'phone', 'busy-8');
INSERT INTO public.pgqueuer_schedules VALUES
	(1, '* * * * *', 'maturity', '2026-11-23 15:15:22.264618+00', '2026-11-23 15:15:22.264618+00', '2026-11-23 15:15:22.264618+00', '2026-11-23 15:16:00+00', NULL, 'queued'),
	(2, '23 * * * *', 'forgetting', '2026-11-23 15:15:22.264618+00', '2026-11-23 15:15:22.264618+00', '2026-11-23 15:15:22.264618+00', '2026-11-23 15:23:00+00', NULL, 'queued');
INSERT INTO public.program_version VALUES
	(1, '{"cash": {"steps": [{"at_fen": 100000, "reward_fen": 1000}], "policy": "single_order"}, "tiers": {"ladder": [{"code": "bronze", "name": "青铜会员", "rate": "1", "benefits": [{"code": "birthday_coupon", "label": "生日优惠券"}], "thresholds": {}, "requires_review": false}, {"code": "silver", "name": "白银会员", "rate": "1", "benefits": [{"code": "birthday_coupon", "label": "生日优惠券"}, {"code": "discount", "label": "会员折扣 2%", "discount_percent": 2}, {"code": "priority_activities", "label": "活动优先参与"}], "thresholds": {"spend": 30000}, "requires_review": false}, {"code": "gold", "name": "黄金会员", "rate": "1.2", "benefits": [{"code": "birthday_coupon", "label": "生日优惠券"}, {"code": "discount", "label": "会员折扣 2%", "discount_percent": 2}, {"code": "priority_activities", "label": "活动优先参与"}, {"code": "free_shipping", "label": "包邮", "free_shipping": true}, {"code": "own_service", "label": "专属客服"}], "thresholds": {"spend": 300000}, "requires_review": false}, {"code": "platinum", "name": "铂金会员", "rate": "1.5", "benefits": [{"code": "birthday_coupon", "label": "生日优惠券"}, {"code": "discount", "label": "会员折扣 5%", "discount_percent": 5}, {"code": "priority_activities", "label": "活动优先参与"}, {"code": "free_shipping", "label": "包邮", "free_shipping": true}, {"code": "own_service", "label": "专属客服"}, {"code": "new_products_first", "label": "新品优先购"}], "thresholds": {"spend": 1000000}, "requires_review": false}, {"code": "diamond", "name": "钻石会员", "rate": "2", "benefits": [{"code": "birthday_coupon", "label": "生日优惠券"}, {"code": "discount", "label": "会员折扣 5%", "discount_percent": 5}, {"code": "priority_activities", "label": "活动优先参与"}, {"code": "free_shipping", "label": "包邮", "free_shipping": true}, {"code": "own_service", "label": "专属客服"}, {"code": "new_products_first", "label": "新品优先购"}, {"code": "personal_service", "label": "私人顾问服务"}, {"code": "gifts", "label": "会员礼品"}], "thresholds": {"spend": 3000000}, "requires_review": true}], "warn_days": 0, "grace_days": 0, "qualification": {"window": {"kind": "lifetime"}, "combine": "any", "metrics": ["spend"]}, "validity_months": null}, "growth": {"rate": "1"}, "paying": {"tiers": {}, "points": 100, "worth_fen": 100, "min_points": 100, "step_points": 100, "max_share_percent": 50}, "earning": {"rate": "1", "brands": {}, "unit_fen": 100, "unit_name": "yuan", "categories": {}}, "refunds": {"grace_days": 0}, "reserve": {"max_seconds": 604800, "default_seconds": 1800}, "sign_in": {"growth": 5, "ladder": [{"day": 7, "points": 20}, {"day": 15, "points": 50}, {"day": 30, "points": 100}], "points": 10, "after_ladder": "restart"}, "currency": "CNY", "timezone": "Asia/Shanghai", "validity": {"years": 1, "policy": "anniversary"}, "settlement": {"days": 15}, "adjustments": {"approval_over_points": 10000}}', '1970-01-01 00:00:00+00', '2026-11-23 15:15:14.186324+00');
INSERT INTO public.redemption VALUES
	(41, 'plain-0', 'r-1', 'redeemed', 20, 20, 5, '{1}', '{15}', NULL, NULL, 1),
	(41, 'plain-0', 'r-2', 'redeemed', 30, 25, 0, '{1}', '{25}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(41, 'plain-0', 'r-3', 'cancelled', 40, 0, 0, '{}', '{}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(41, 'plain-0', 'r-4', 'reserved', 10, 0, 0, '{1}', '{10}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(50, 'giver-1', 'r-1', 'redeemed', 20, 20, 5, '{1}', '{15}', NULL, NULL, 1),
	(50, 'giver-1', 'r-2', 'redeemed', 30, 25, 0, '{1}', '{25}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(50, 'giver-1', 'r-3', 'cancelled', 40, 0, 0, '{}', '{}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(50, 'giver-1', 'r-4', 'reserved', 10, 0, 0, '{1}', '{10}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(15, 'busy-2', 'r-1', 'redeemed', 20, 20, 5, '{1}', '{15}', NULL, NULL, 1),
	(15, 'busy-2', 'r-2', 'redeemed', 30, 25, 0, '{1}', '{25}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(15, 'busy-2', 'r-3', 'cancelled', 40, 0, 0, '{}', '{}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(15, 'busy-2', 'r-4', 'reserved', 10, 0, 0, '{1}', '{10}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(19, 'plain-3', 'r-1', 'redeemed', 20, 20, 5, '{1}', '{15}', NULL, NULL, 1),
	(19, 'plain-3', 'r-2', 'redeemed', 30, 25, 0, '{1}', '{25}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(19, 'plain-3', 'r-3', 'cancelled', 40, 0, 0, '{}', '{}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(19, 'plain-3', 'r-4', 'reserved', 10, 0, 0, '{1}', '{10}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(61, 'giver-4', 'r-1', 'redeemed', 20, 20, 5, '{1}', '{15}', NULL, NULL, 1),
	(61, 'giver-4', 'r-2', 'redeemed', 30, 25, 0, '{1}', '{25}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(61, 'giver-4', 'r-3', 'cancelled', 40, 0, 0, '{}', '{}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(61, 'giver-4', 'r-4', 'reserved', 10, 0, 0, '{1}', '{10}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(44, 'busy-5', 'r-1', 'redeemed', 20, 20, 5, '{1}', '{15}', NULL, NULL, 1),
	(44, 'busy-5', 'r-2', 'redeemed', 30, 25, 0, '{1}', '{25}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(44, 'busy-5', 'r-3', 'cancelled', 40, 0, 0, '{}', '{}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(44, 'busy-5', 'r-4', 'reserved', 10, 0, 0, '{1}', '{10}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(28, 'plain-6', 'r-1', 'redeemed', 20, 20, 5, '{1}', '{15}', NULL, NULL, 1),
	(28, 'plain-6', 'r-2', 'redeemed', 30, 25, 0, '{1}', '{25}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(28, 'plain-6', 'r-3', 'cancelled', 40, 0, 0, '{}', '{}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(28, 'plain-6', 'r-4', 'reserved', 10, 0, 0, '{1}', '{10}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(7, 'giver-7', 'r-1', 'redeemed', 20, 20, 5, '{1}', '{15}', NULL, NULL, 1),
	(7, 'giver-7', 'r-2', 'redeemed', 30, 25, 0, '{1}', '{25}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(7, 'giver-7', 'r-3', 'cancelled', 40, 0, 0, '{}', '{}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(7, 'giver-7', 'r-4', 'reserved', 10, 0, 0, '{1}', '{10}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(17, 'busy-8', 'r-1', 'redeemed', 20, 20, 5, '{1}', '{15}', NULL, NULL, 1),
	(17, 'busy-8', 'r-2', 'redeemed', 30, 25, 0, '{1}', '{25}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(17, 'busy-8', 'r-3', 'cancelled', 40, 0, 0, '{}', '{}', NULL, '2026-11-23 15:45:22.631579+00', 1),
	(17, 'busy-8', 'r-4', 'reserved', 10, 0, 0, '{1}', '{10}', NULL, '2026-11-23 15:45:22.631579+00', 1);
INSERT INTO public.tier_review VALUES
	(50, 'giver-1', 2, 'platinum', 'diamond', 'open', '2026-11-23 15:15:22.631579+00', NULL, NULL, NULL),
	(19, 'plain-3', 2, 'platinum', 'diamond', 'open', '2026-11-23 15:15:22.631579+00', NULL, NULL, NULL),
	(44, 'busy-5', 2, 'platinum', 'diamond', 'open', '2026-11-23 15:15:22.631579+00', NULL, NULL, NULL),
	(7, 'giver-7', 2, 'platinum', 'diamond', 'open', '2026-11-23 15:15:22.631579+00', NULL, NULL, NULL);
SELECT pg_catalog.setval('public.pgqueuer_id_seq', 1, false);
SELECT pg_catalog.setval('public.pgqueuer_log_id_seq', 1, false);
SELECT pg_catalog.setval('public.pgqueuer_schedules_id_seq', 2, true);
SELECT pg_catalog.setval('public.pgqueuer_statistics_id_seq', 1, false);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.pgqueuer_log
    ADD CONSTRAINT pgqueuer_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.pgqueuer
    ADD CONSTRAINT pgqueuer_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.pgqueuer_schedules
    ADD CONSTRAINT pgqueuer_schedules_expression_entrypoint_key UNIQUE (expression, entrypoint);
ALTER TABLE ONLY public.pgqueuer_schedules
    ADD CONSTRAINT pgqueuer_schedules_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.pgqueuer_statistics
    ADD CONSTRAINT pgqueuer_statistics_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.account
    ADD CONSTRAINT pk_account PRIMARY KEY (bucket, member_id);
ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT pk_api_key PRIMARY KEY (key_id);
ALTER TABLE ONLY public.clock
    ADD CONSTRAINT pk_clock PRIMARY KEY (id);
ALTER TABLE ONLY public.entry
    ADD CONSTRAINT pk_entry PRIMARY KEY (bucket, member_id, sequence);
ALTER TABLE ONLY public.idempotency_key
    ADD CONSTRAINT pk_idempotency_key PRIMARY KEY (bucket, key);
ALTER TABLE ONLY public.lot
    ADD CONSTRAINT pk_lot PRIMARY KEY (bucket, member_id, lot);
ALTER TABLE ONLY public.person
    ADD CONSTRAINT pk_person PRIMARY KEY (bucket, member_id);
ALTER TABLE ONLY public.person_lookup
    ADD CONSTRAINT pk_person_lookup PRIMARY KEY (bucket, digest, kind, member_id);
ALTER TABLE ONLY public.program_version
    ADD CONSTRAINT pk_program_version PRIMARY KEY (version);
ALTER TABLE ONLY public.redemption
    ADD CONSTRAINT pk_redemption PRIMARY KEY (bucket, member_id, reference);
ALTER TABLE ONLY public.tier_review
    ADD CONSTRAINT pk_tier_review PRIMARY KEY (bucket, member_id, sequence);
ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT uq_api_key_created_by_request_key UNIQUE (created_by, request_key);
ALTER TABLE ONLY public.entry
    ADD CONSTRAINT uq_entry_bucket_member_id_key UNIQUE (bucket, member_id, key);
CREATE INDEX ix_account_due_at ON public.account USING btree (due_at) WHERE (due_at IS NOT NULL);
CREATE INDEX ix_entry_recorded_at ON public.entry USING brin (recorded_at) WITH (pages_per_range='32', autosummarize='on');
CREATE INDEX ix_idempotency_key_created_at ON public.idempotency_key USING btree (created_at);
CREATE INDEX ix_redemption_hold_expires_at ON public.redemption USING btree (hold_expires_at) WHERE (status = 'reserved'::text);
CREATE INDEX ix_tier_review_open ON public.tier_review USING btree (opened_at) WHERE (status = 'open'::text);
CREATE INDEX pgqueuer_ep_ea_idx ON public.pgqueuer USING btree (entrypoint, execute_after) WHERE (status = 'queued'::public.pgqueuer_status);
CREATE INDEX pgqueuer_ep_prio_id_idx ON public.pgqueuer USING btree (entrypoint, priority DESC, id) WHERE (status = 'queued'::public.pgqueuer_status);
CREATE INDEX pgqueuer_log_created ON public.pgqueuer_log USING btree (created);
CREATE INDEX pgqueuer_log_job_id_status ON public.pgqueuer_log USING btree (job_id, created DESC);
CREATE INDEX pgqueuer_log_not_aggregated ON public.pgqueuer_log USING btree ((1)) WHERE (NOT aggregated);
CREATE INDEX pgqueuer_log_status ON public.pgqueuer_log USING btree (status);
CREATE INDEX pgqueuer_picked_heartbeat_idx ON public.pgqueuer USING btree (heartbeat) WHERE (status = 'picked'::public.pgqueuer_status);
CREATE UNIQUE INDEX pgqueuer_picked_slot_idx ON public.pgqueuer USING btree (entrypoint, slot) WHERE ((status = 'picked'::public.pgqueuer_status) AND (slot IS NOT NULL));
CREATE INDEX pgqueuer_priority_id_id1_idx ON public.pgqueuer USING btree (priority, id DESC) INCLUDE (id) WHERE (status = 'queued'::public.pgqueuer_status);
CREATE INDEX pgqueuer_queue_manager_id_idx ON public.pgqueuer USING btree (queue_manager_id) WHERE (queue_manager_id IS NOT NULL);
CREATE UNIQUE INDEX pgqueuer_statistics_unique_count ON public.pgqueuer_statistics USING btree (priority, date_trunc('sec'::text, timezone('UTC'::text, created)), status, entrypoint);
CREATE UNIQUE INDEX pgqueuer_unique_dedupe_key ON public.pgqueuer USING btree (dedupe_key) WHERE ((status = ANY (ARRAY['queued'::public.pgqueuer_status, 'picked'::public.pgqueuer_status])) AND (dedupe_key IS NOT NULL));
CREATE INDEX pgqueuer_updated_id_id1_idx ON public.pgqueuer USING btree (updated, id DESC) INCLUDE (id) WHERE (status = 'picked'::public.pgqueuer_status);
CREATE TRIGGER tg_pgqueuer_changed AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.pgqueuer FOR EACH STATEMENT EXECUTE FUNCTION public.fn_pgqueuer_changed();
ALTER TABLE ONLY public.redemption
    ADD CONSTRAINT fk_redemption_bucket_member_id_account FOREIGN KEY (bucket, member_id) REFERENCES public.account(bucket, member_id);
ALTER TABLE ONLY public.tier_review
    ADD CONSTRAINT fk_tier_review_bucket_member_id_account FOREIGN KEY (bucket, member_id) REFERENCES public.account(bucket, member_id);
GRANT USAGE ON SCHEMA public TO loyalty_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.account TO loyalty_app;
GRANT SELECT ON TABLE public.alembic_version TO loyalty_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.api_key TO loyalty_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.clock TO loyalty_app;
GRANT SELECT,INSERT ON TABLE public.entry TO loyalty_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.idempotency_key TO loyalty_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.lot TO loyalty_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.person TO loyalty_app;
GRANT SELECT,INSERT,DELETE ON TABLE public.person_lookup TO loyalty_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.pgqueuer TO loyalty_app;
GRANT USAGE ON SEQUENCE public.pgqueuer_id_seq TO loyalty_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.pgqueuer_log TO loyalty_app;
GRANT USAGE ON SEQUENCE public.pgqueuer_log_id_seq TO loyalty_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.pgqueuer_schedules TO loyalty_app;
GRANT USAGE ON SEQUENCE public.pgqueuer_schedules_id_seq TO loyalty_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.pgqueuer_statistics TO loyalty_app;
GRANT USAGE ON SEQUENCE public.pgqueuer_statistics_id_seq TO loyalty_app;
GRANT SELECT,INSERT ON TABLE public.program_version TO loyalty_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.redemption TO loyalty_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.tier_review TO loyalty_app;
