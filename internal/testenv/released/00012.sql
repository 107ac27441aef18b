--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

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

--
-- Name: ledger_append_only(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.ledger_append_only() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is append-only: % on % is refused, book a reversal instead', TG_OP, TG_TABLE_NAME;
END;
$$;


--
-- Name: ledger_tariff_use(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.ledger_tariff_use() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM ledger_tariff_uses WHERE tariff = NEW.tariff AND tariff_hash = NEW.tariff_hash) THEN
    INSERT INTO ledger_tariff_uses (tariff, tariff_hash, first_key) VALUES (NEW.tariff, NEW.tariff_hash, NEW.key) ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END;
$$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: ledger_apps; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ledger_apps (
    sdk_app_id bigint NOT NULL,
    first_start bigint NOT NULL,
    CONSTRAINT ledger_apps_sdk_app_id_check CHECK ((sdk_app_id > 0))
);


--
-- Name: ledger_checkpoints; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ledger_checkpoints (
    id bigint NOT NULL,
    size bigint NOT NULL,
    note text NOT NULL,
    "time" bigint NOT NULL,
    CONSTRAINT ledger_checkpoints_size_check CHECK ((size >= 0))
);


--
-- Name: ledger_checkpoints_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.ledger_checkpoints ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.ledger_checkpoints_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: ledger_closes; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ledger_closes (
    month text NOT NULL,
    checkpoint bigint NOT NULL,
    CONSTRAINT ledger_closes_month_check CHECK ((month ~ '^[0-9]{4}-[01][0-9]$'::text))
);


--
-- Name: ledger_entries; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ledger_entries (
    seq bigint NOT NULL,
    key text NOT NULL,
    kind text NOT NULL,
    revision bigint NOT NULL,
    reverses text,
    sdk_app_id bigint NOT NULL,
    app text NOT NULL,
    call_id text NOT NULL,
    payer text NOT NULL,
    media_type text NOT NULL,
    call_type text NOT NULL,
    result text NOT NULL,
    start_time bigint NOT NULL,
    accept_time bigint NOT NULL,
    end_time bigint NOT NULL,
    connected_seconds bigint NOT NULL,
    billed_seconds bigint NOT NULL,
    participants bigint NOT NULL,
    amount text NOT NULL,
    currency text NOT NULL,
    tariff text NOT NULL,
    tariff_from text NOT NULL,
    tariff_hash text NOT NULL,
    steps text NOT NULL,
    record text NOT NULL,
    differences text NOT NULL,
    workflow_id text NOT NULL,
    first_run_id text NOT NULL,
    reason text NOT NULL,
    operator text NOT NULL,
    created_at bigint DEFAULT (round((EXTRACT(epoch FROM clock_timestamp()) * (1000)::numeric)))::bigint NOT NULL,
    evidence text DEFAULT ''::text NOT NULL,
    CONSTRAINT ledger_entries_amount_check CHECK ((amount ~ '^-?[0-9]+(\.[0-9]+)?$'::text)),
    CONSTRAINT ledger_entries_billed_seconds_check CHECK ((billed_seconds >= 0)),
    CONSTRAINT ledger_entries_call_id_check CHECK ((call_id <> ''::text)),
    CONSTRAINT ledger_entries_check CHECK (((kind = 'reversal'::text) = (reverses IS NOT NULL))),
    CONSTRAINT ledger_entries_check1 CHECK (((kind <> 'charge'::text) OR (amount !~~ '-%'::text))),
    CONSTRAINT ledger_entries_connected_seconds_check CHECK ((connected_seconds >= 0)),
    CONSTRAINT ledger_entries_currency_check CHECK ((length(currency) = 3)),
    CONSTRAINT ledger_entries_kind_check CHECK ((kind = ANY (ARRAY['charge'::text, 'reversal'::text, 'adjustment'::text]))),
    CONSTRAINT ledger_entries_participants_check CHECK ((participants >= 0)),
    CONSTRAINT ledger_entries_revision_check CHECK ((revision >= 1)),
    CONSTRAINT ledger_entries_sdk_app_id_check CHECK ((sdk_app_id > 0))
);


--
-- Name: ledger_entries_seq_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.ledger_entries ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.ledger_entries_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: ledger_log; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ledger_log (
    first_index bigint NOT NULL,
    size bigint NOT NULL,
    low bigint NOT NULL,
    high bigint NOT NULL,
    seqs bytea NOT NULL,
    nodes bytea NOT NULL,
    frontier bytea NOT NULL,
    integrated_at bigint DEFAULT (round((EXTRACT(epoch FROM clock_timestamp()) * (1000)::numeric)))::bigint NOT NULL,
    CONSTRAINT ledger_log_check CHECK ((size > first_index)),
    CONSTRAINT ledger_log_check1 CHECK ((high > low)),
    CONSTRAINT ledger_log_check2 CHECK ((length(seqs) = (8 * (size - first_index)))),
    CONSTRAINT ledger_log_check3 CHECK ((length(nodes) >= (32 * (size - first_index)))),
    CONSTRAINT ledger_log_first_index_check CHECK ((first_index >= 0)),
    CONSTRAINT ledger_log_frontier_check CHECK ((length(frontier) >= 32))
);


--
-- Name: ledger_migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ledger_migrations (
    id integer NOT NULL,
    version_id bigint NOT NULL,
    is_applied boolean NOT NULL,
    tstamp timestamp without time zone DEFAULT now() NOT NULL
);


--
-- Name: ledger_migrations_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.ledger_migrations ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.ledger_migrations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: ledger_sweep_held; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ledger_sweep_held (
    sdk_app_id bigint NOT NULL,
    key text NOT NULL,
    call_id text NOT NULL,
    reason text NOT NULL,
    item text NOT NULL,
    attempts bigint NOT NULL,
    since bigint NOT NULL,
    last_attempt_at bigint NOT NULL,
    next_attempt_at bigint NOT NULL,
    dismissed_at bigint,
    dismissed_by text DEFAULT ''::text NOT NULL,
    dismissed_reason text DEFAULT ''::text NOT NULL,
    CONSTRAINT ledger_sweep_held_attempts_check CHECK ((attempts >= 1)),
    CONSTRAINT ledger_sweep_held_key_check CHECK ((length(key) = 64)),
    CONSTRAINT ledger_sweep_held_sdk_app_id_check CHECK ((sdk_app_id > 0))
);


--
-- Name: ledger_sweeps; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ledger_sweeps (
    sdk_app_id bigint NOT NULL,
    swept_to bigint NOT NULL,
    CONSTRAINT ledger_sweeps_sdk_app_id_check CHECK ((sdk_app_id > 0))
);


--
-- Name: ledger_tariff_uses; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ledger_tariff_uses (
    tariff text NOT NULL,
    tariff_hash text NOT NULL,
    first_key text NOT NULL
);


--
-- Name: ledger_tariffs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ledger_tariffs (
    hash text NOT NULL,
    edition text NOT NULL,
    CONSTRAINT ledger_tariffs_hash_check CHECK ((length(hash) = 64))
);


--
-- Name: ledger_versions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ledger_versions (
    version bigint NOT NULL,
    oldest bigint NOT NULL,
    CONSTRAINT ledger_versions_check CHECK ((oldest <= version))
);


--
-- Data for Name: ledger_apps; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: ledger_checkpoints; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ledger_checkpoints OVERRIDING SYSTEM VALUE VALUES (1, 11, 'aftercall-ledger
11
0donMOIZ4Z1BxmIah/F0Y+xO6eWrHNmiZ/U5Ju6D/ZI=
time 2026-11-27T07:55:11.355Z
', 1795766111355);
INSERT INTO public.ledger_checkpoints OVERRIDING SYSTEM VALUE VALUES (2, 11, 'aftercall-ledger
11
0donMOIZ4Z1BxmIah/F0Y+xO6eWrHNmiZ/U5Ju6D/ZI=
time 2026-11-27T07:55:11.480Z
close 2026-02 Asia/Shanghai 1769875200 1772294400 "bob \"the\nbooks\""
', 1795766111480);


--
-- Data for Name: ledger_closes; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ledger_closes VALUES ('2026-02', 2);


--
-- Data for Name: ledger_entries; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ledger_entries OVERRIDING SYSTEM VALUE VALUES (1, 'charge:1400000000:call-1', 'charge', 1, NULL, 1400000000, 'clinic', 'call-1', '10001', 'Audio', 'SingleCall', 'NormalEnd', 1771999927, 1771999939, 1772000000, 61, 120, 1, '0.10', 'USD', 'standard', '2023-11-14T22:13:20Z', '1acecd2dc7674b41cb4d581a665c046d2069292345be85ae237f17d339ef5e41', '[{"kind":"tariff","text":"tariff standard, version of 2023-11-14T22:13:20Z: rule 1, for Audio SingleCall NormalEnd"},{"kind":"connected","text":"connected for 61 s, from AcceptTime to EndTime","seconds":61},{"kind":"billed","text":"billed as 120 s: the first 60 s, then every 60 s begun","seconds":120},{"kind":"usage","text":"0.05 a minute × 120 s / 60 = 0.1","amount":"0.1"},{"kind":"rounded","text":"rounded half up to 2 digits: 0.10 USD","amount":"0.10"}]', '{"CallId":"call-1","Caller_Account":"10001","MediaType":"Audio","CallType":"SingleCall","StartTime":1771999927,"EndTime":1772000000,"AcceptTime":1771999939,"CallResult":"NormalEnd","CalleeList_Account":["10001","user2"],"RoomId":"roomid-1434","RoomIdType":2}', '[{"field":"EndTime","callback":"1","record":"2"}]', 'call:1400000000:call-1', 'run-call-1', '', '', 1795766110184, '');
INSERT INTO public.ledger_entries OVERRIDING SYSTEM VALUE VALUES (2, 'charge:1400000000:call-2', 'charge', 1, NULL, 1400000000, 'clinic', 'call-2', '10001', 'Video', 'SingleCall', 'NormalEnd', 1771996000, 1771996401, 1772000000, 3599, 3600, 1, '7.41', 'USD', 'standard', '2023-11-14T22:13:20Z', '6a351739ad4dd69b6c9da9dbe22f7f99e748b43572083f5726b107041f649f18', '[{"kind":"tariff","text":"tariff standard, version of 2023-11-14T22:13:20Z: rule 1, for Video SingleCall NormalEnd"},{"kind":"connected","text":"connected for 3599 s, from AcceptTime to EndTime","seconds":3599},{"kind":"billed","text":"billed as 3600 s: the first 60 s, then every 60 s begun","seconds":3600},{"kind":"usage","text":"0.123456 a minute × 3600 s / 60 = 7.40736","amount":"7.40736"},{"kind":"rounded","text":"rounded half up to 2 digits: 7.41 USD","amount":"7.41"}]', '{"CallId":"call-2","Caller_Account":"10001","MediaType":"Video","CallType":"SingleCall","StartTime":1771996000,"EndTime":1772000000,"AcceptTime":1771996401,"CallResult":"NormalEnd","CalleeList_Account":["10001","user2"],"RoomId":"roomid-1434","RoomIdType":2}', '[{"field":"EndTime","callback":"1","record":"2"}]', 'call:1400000000:call-2', 'run-call-2', '', '', 1795766110368, '');
INSERT INTO public.ledger_entries OVERRIDING SYSTEM VALUE VALUES (3, 'charge:1400000000:call-3', 'charge', 1, NULL, 1400000000, 'clinic', 'call-3', '10002', 'Audio', 'SingleCall', 'NotAnswer', 1771999927, 0, 1772000000, 0, 0, 2, '0.00', 'USD', 'standard', '2023-11-14T22:13:20Z', '1acecd2dc7674b41cb4d581a665c046d2069292345be85ae237f17d339ef5e41', '[{"kind":"tariff","text":"tariff standard, version of 2023-11-14T22:13:20Z: unconnected calls cost nothing"},{"kind":"unconnected","text":"NotAnswer, never connected: nothing to charge","amount":"0.00"}]', '{"CallId":"call-3","Caller_Account":"10002","MediaType":"Audio","CallType":"SingleCall","StartTime":1771999927,"EndTime":1772000000,"AcceptTime":0,"CallResult":"NotAnswer","CalleeList_Account":["10001","user2"],"RoomId":"roomid-1434","RoomIdType":2}', '[{"field":"EndTime","callback":"1","record":"2"}]', 'call:1400000000:call-3', 'run-call-3', '', '', 1795766110384, '');
INSERT INTO public.ledger_entries OVERRIDING SYSTEM VALUE VALUES (4, 'charge:1400000000:call-4', 'charge', 1, NULL, 1400000000, 'clinic', 'call-4', '10002', 'Audio', 'MultiCall', 'NormalEnd', 1771999927, 1771999939, 1772000000, 61, 120, 3, '90', 'JPY', 'standard', '2023-11-14T22:13:20Z', '9b20ddfff1c0c73f29f9ba6ed2a05aba691f885c083fdd692e77fc47e48e1766', '[{"kind":"tariff","text":"tariff standard, version of 2023-11-14T22:13:20Z: rule 1, for Audio MultiCall NormalEnd"},{"kind":"connected","text":"connected for 61 s, from AcceptTime to EndTime","seconds":61},{"kind":"billed","text":"billed as 120 s: the first 60 s, then every 60 s begun","seconds":120},{"kind":"usage","text":"45 a minute × 120 s / 60 = 90","amount":"90"},{"kind":"rounded","text":"rounded half up to whole units: 90 JPY","amount":"90"}]', '{"CallId":"call-4","Caller_Account":"10002","MediaType":"Audio","CallType":"MultiCall","StartTime":1771999927,"EndTime":1772000000,"AcceptTime":1771999939,"CallResult":"NormalEnd","CalleeList_Account":["10002","user2","user3","user4"],"RoomId":"roomid-1434","RoomIdType":2}', '[{"field":"EndTime","callback":"1","record":"2"}]', 'call:1400000000:call-4', 'run-call-4', '', '', 1795766110428, '');
INSERT INTO public.ledger_entries OVERRIDING SYSTEM VALUE VALUES (5, 'charge:1400000000:通话-5 "quoted"', 'charge', 1, NULL, 1400000000, 'clinic', '通话-5 "quoted"', '患者 '' 七', 'Audio', 'SingleCall', 'NormalEnd', 1771999927, 1771999939, 1772000000, 61, 120, 1, '0.10', 'USD', 'standard', '2023-11-14T22:13:20Z', '1acecd2dc7674b41cb4d581a665c046d2069292345be85ae237f17d339ef5e41', '[{"kind":"tariff","text":"tariff standard, version of 2023-11-14T22:13:20Z: rule 1, for Audio SingleCall NormalEnd"},{"kind":"connected","text":"connected for 61 s, from AcceptTime to EndTime","seconds":61},{"kind":"billed","text":"billed as 120 s: the first 60 s, then every 60 s begun","seconds":120},{"kind":"usage","text":"0.05 a minute × 120 s / 60 = 0.1","amount":"0.1"},{"kind":"rounded","text":"rounded half up to 2 digits: 0.10 USD","amount":"0.10"}]', '{"CallId":"通话-5 \"quoted\"","Caller_Account":"患者 '' 七","MediaType":"Audio","CallType":"SingleCall","StartTime":1771999927,"EndTime":1772000000,"AcceptTime":1771999939,"CallResult":"NormalEnd","CalleeList_Account":["患者 '' 七","医生"],"RoomId":"roomid-1434","RoomIdType":2}', '[{"field":"EndTime","callback":"1","record":"2"}]', 'call:1400000000:通话-5 "quoted"', 'run-通话-5 "quoted"', '', '', 1795766110459, '');
INSERT INTO public.ledger_entries OVERRIDING SYSTEM VALUE VALUES (6, 'charge:1400000000:call-7', 'charge', 1, NULL, 1400000000, 'clinic', 'call-7', 'user2', 'Audio', 'SingleCall', 'NormalEnd', 1771999927, 1771999939, 1772000000, 61, 120, 1, '0.10', 'USD', 'standard', '2023-11-14T22:13:20Z', '1acecd2dc7674b41cb4d581a665c046d2069292345be85ae237f17d339ef5e41', '[{"kind":"tariff","text":"tariff standard, version of 2023-11-14T22:13:20Z: rule 1, for Audio SingleCall NormalEnd"},{"kind":"connected","text":"connected for 61 s, from AcceptTime to EndTime","seconds":61},{"kind":"billed","text":"billed as 120 s: the first 60 s, then every 60 s begun","seconds":120},{"kind":"usage","text":"0.05 a minute × 120 s / 60 = 0.1","amount":"0.1"},{"kind":"rounded","text":"rounded half up to 2 digits: 0.10 USD","amount":"0.10"},{"kind":"payer","text":"paid by the first callee","payer":{"account":"user2","is":"first_callee"}}]', '{"CallId":"call-7","Caller_Account":"robot-1","MediaType":"Audio","CallType":"SingleCall","StartTime":1771999927,"EndTime":1772000000,"AcceptTime":1771999939,"CallResult":"NormalEnd","CalleeList_Account":["robot-1","user2"],"RoomId":"roomid-1434","RoomIdType":2}', '[{"field":"EndTime","callback":"1","record":"2"}]', 'call:1400000000:call-7', 'run-1', '', '', 1795766110472, '');
INSERT INTO public.ledger_entries OVERRIDING SYSTEM VALUE VALUES (7, 'charge:1400000000:call-8', 'charge', 1, NULL, 1400000000, 'clinic', 'call-8', '10001', 'Audio', 'SingleCall', 'NormalEnd', 1771999927, 1771999939, 1772000000, 61, 180, 1, '0.15', 'USD', 'standard', '2023-11-14T22:13:20Z', '17e48f229dec59884b4ad5f9322be19682adc52b95eea9eebdd3eb1c126921f6', '[{"kind":"tariff","text":"tariff standard, version of 2023-11-14T22:13:20Z: rule 1, for Audio SingleCall NormalEnd"},{"kind":"connected","text":"connected for 61 s, from AcceptTime to EndTime","seconds":61},{"kind":"disagreement","text":"the caller was seen to join, but not to leave: decided by earliest_leave, the member was there until EndTime","disagreement":{"problem":"never_left","user":"10001","decided":"earliest_leave"}},{"kind":"member","text":"the caller: connected for 61 s (06:12:19.000 to 06:13:20.000), billed as 120 s","seconds":120,"member":{"user":"10001","intervals":[{"from":"2026-02-25T06:12:19Z","to":"2026-02-25T06:13:20Z"}],"seconds":61}},{"kind":"member","text":"participant 1: connected for 30 s (06:12:20.500 to 06:12:50.500; events 1, 2), billed as 60 s","seconds":60,"member":{"user":"user2","intervals":[{"from":"2026-02-25T06:12:20.5Z","to":"2026-02-25T06:12:50.5Z"}],"seconds":30,"proof":["1","2"]}},{"kind":"billed","text":"billed as 180 s together: of each the first 60 s, then every 60 s begun","seconds":180},{"kind":"usage","text":"0.05 a minute × 180 s / 60 = 0.15","amount":"0.15"},{"kind":"rounded","text":"rounded half up to 2 digits: 0.15 USD","amount":"0.15"}]', '{"CallId":"call-8","Caller_Account":"10001","MediaType":"Audio","CallType":"SingleCall","StartTime":1771999927,"EndTime":1772000000,"AcceptTime":1771999939,"CallResult":"NormalEnd","CalleeList_Account":["10001","user2"],"RoomId":"roomid-1434","RoomIdType":2}', '[{"field":"EndTime","callback":"1","record":"2"}]', 'call:1400000000:call-8', 'run-1', '', '', 1795766110519, '[{"id":"1","source":"room","user":"user2","kind":"joined","at":"2026-02-25T06:12:20.5Z"},{"id":"2","source":"room","user":"user2","kind":"left","at":"2026-02-25T06:12:50.5Z"}]');
INSERT INTO public.ledger_entries OVERRIDING SYSTEM VALUE VALUES (8, 'reversal:1400000000:call-1', 'reversal', 1, 'charge:1400000000:call-1', 1400000000, 'clinic', 'call-1', '10001', 'Audio', 'SingleCall', 'NormalEnd', 1771999927, 1771999939, 1772000000, 61, 120, 1, '-0.10', 'USD', 'standard', '2023-11-14T22:13:20Z', '1acecd2dc7674b41cb4d581a665c046d2069292345be85ae237f17d339ef5e41', '[{"kind":"reversal","text":"takes back 0.10 USD, which charge:1400000000:call-1 charged","amount":"-0.10"}]', '{"CallId":"call-1","Caller_Account":"10001","MediaType":"Audio","CallType":"SingleCall","StartTime":1771999927,"EndTime":1772000000,"AcceptTime":1771999939,"CallResult":"NormalEnd","CalleeList_Account":["10001","user2"],"RoomId":"roomid-1434","RoomIdType":2}', 'null', 'call:1400000000:call-1', '', 'wrong number', 'alice', 1795766110702, '');
INSERT INTO public.ledger_entries OVERRIDING SYSTEM VALUE VALUES (9, 'reversal:1400000000:call-2', 'reversal', 1, 'charge:1400000000:call-2', 1400000000, 'clinic', 'call-2', '10001', 'Video', 'SingleCall', 'NormalEnd', 1771996000, 1771996401, 1772000000, 3599, 3600, 1, '-7.41', 'USD', 'standard', '2023-11-14T22:13:20Z', '6a351739ad4dd69b6c9da9dbe22f7f99e748b43572083f5726b107041f649f18', '[{"kind":"reversal","text":"takes back 7.41 USD, which charge:1400000000:call-2 charged","amount":"-7.41"}]', '{"CallId":"call-2","Caller_Account":"10001","MediaType":"Video","CallType":"SingleCall","StartTime":1771996000,"EndTime":1772000000,"AcceptTime":1771996401,"CallResult":"NormalEnd","CalleeList_Account":["10001","user2"],"RoomId":"roomid-1434","RoomIdType":2}', 'null', 'call:1400000000:call-2', '', 'wrong number', 'alice', 1795766110808, '');
INSERT INTO public.ledger_entries OVERRIDING SYSTEM VALUE VALUES (10, 'charge.2:1400000000:call-2', 'charge', 2, NULL, 1400000000, 'clinic', 'call-2', '10001', 'Video', 'SingleCall', 'NormalEnd', 1771996000, 1771996401, 1772000000, 3599, 3600, 1, '3.60', 'USD', 'standard', '2023-11-14T22:13:20Z', 'd715ab0996690f90581c85adeb465091ea6b3105a282c9e6b97fb5e60d1179bd', '[{"kind":"tariff","text":"tariff standard, version of 2023-11-14T22:13:20Z: rule 1, for Video SingleCall NormalEnd"},{"kind":"connected","text":"connected for 3599 s, from AcceptTime to EndTime","seconds":3599},{"kind":"billed","text":"billed as 3600 s: the first 60 s, then every 60 s begun","seconds":3600},{"kind":"usage","text":"0.06 a minute × 3600 s / 60 = 3.6","amount":"3.6"},{"kind":"rounded","text":"rounded half up to 2 digits: 3.60 USD","amount":"3.60"}]', '{"CallId":"call-2","Caller_Account":"10001","MediaType":"Video","CallType":"SingleCall","StartTime":1771996000,"EndTime":1772000000,"AcceptTime":1771996401,"CallResult":"NormalEnd","CalleeList_Account":["10001","user2"],"RoomId":"roomid-1434","RoomIdType":2}', 'null', 'call:1400000000:call-2', '', 'wrong number', 'alice', 1795766110846, '');
INSERT INTO public.ledger_entries OVERRIDING SYSTEM VALUE VALUES (11, 'adjustment:1400000000:call-4', 'adjustment', 1, NULL, 1400000000, 'clinic', 'call-4', '10002', 'Audio', 'MultiCall', 'NormalEnd', 1771999927, 1771999939, 1772000000, 0, 0, 3, '-5', 'JPY', 'standard', '2023-11-14T22:13:20Z', '9b20ddfff1c0c73f29f9ba6ed2a05aba691f885c083fdd692e77fc47e48e1766', '[{"kind":"adjustment","text":"the call costs 90 JPY without it, and 85 JPY with it","amount":"85"}]', '{"CallId":"call-4","Caller_Account":"10002","MediaType":"Audio","CallType":"MultiCall","StartTime":1771999927,"EndTime":1772000000,"AcceptTime":1771999939,"CallResult":"NormalEnd","CalleeList_Account":["10002","user2","user3","user4"],"RoomId":"roomid-1434","RoomIdType":2}', 'null', 'call:1400000000:call-4', '', 'wrong number', 'alice', 1795766110903, '');
INSERT INTO public.ledger_entries OVERRIDING SYSTEM VALUE VALUES (12, 'charge:1400000000:call-6', 'charge', 1, NULL, 1400000000, 'clinic', 'call-6', '10001', 'Audio', 'SingleCall', 'NormalEnd', 1771999927, 1771999939, 1772000000, 61, 120, 1, '0.10', 'USD', 'standard', '2023-11-14T22:13:20Z', '1acecd2dc7674b41cb4d581a665c046d2069292345be85ae237f17d339ef5e41', '[{"kind":"tariff","text":"tariff standard, version of 2023-11-14T22:13:20Z: rule 1, for Audio SingleCall NormalEnd"},{"kind":"connected","text":"connected for 61 s, from AcceptTime to EndTime","seconds":61},{"kind":"billed","text":"billed as 120 s: the first 60 s, then every 60 s begun","seconds":120},{"kind":"usage","text":"0.05 a minute × 120 s / 60 = 0.1","amount":"0.1"},{"kind":"rounded","text":"rounded half up to 2 digits: 0.10 USD","amount":"0.10"}]', '{"CallId":"call-6","Caller_Account":"10001","MediaType":"Audio","CallType":"SingleCall","StartTime":1771999927,"EndTime":1772000000,"AcceptTime":1771999939,"CallResult":"NormalEnd","CalleeList_Account":["10001","user2"],"RoomId":"roomid-1434","RoomIdType":2}', '[{"field":"EndTime","callback":"1","record":"2"}]', 'call:1400000000:call-6', 'run-call-6', '', '', 1795766111523, '');


--
-- Data for Name: ledger_log; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ledger_log VALUES (0, 11, 0, 11, '\x000000000000000100000000000000020000000000000003000000000000000400000000000000050000000000000006000000000000000700000000000000080000000000000009000000000000000a000000000000000b', '\x49d0db702d5784b82894d7049a8c956d8a82375f3ab1c579b13dbb4cac720629847b120485d0512a7f3cc469bd86db5443ff6f0cc4196a83af969e06b04ffd72c57001c2f75e21280471e48d1d9b686f35c14d1dc784e9fb39fa3a21bb2c1b7d03f21ec12d10712595991bfcac857ad18f20daec9953c83e09ce5e4b4fcf1dd14fe3d4be0a0fa408bb18139b44462ed6c849932c54cf30d3b0e7c0d269ebb67ec824747be9b9f4b2b08e15fc07d0b035a34fcf065ec115b977d11fc455f49abf150884d4581bbca7626f3ef9868368c1c0cad1c02955e6b54bd6359b040e2174d6ac334215b56dba41a7dcb13b9dac69d59716c98122f23ea231589e43dfff4ded13a7ac29ffe9b300bbb4a1fc1ad2759aff57838a3669f64b0aaf490c4eb50d008f15d80526fdfca103c91cb4f91183dcb3999bf7960506c00dd1470dd3fc6a7d07ab355423dd1c0f1d784209439c8d449fcbc4553fae398abc8a6b8b308e3a85f758e1e47f10e746a3eaf38dcd1c0f4681f2a76e9ab820c87cfb805b0735e59b612d59d7e8e5577f14974f211d428581d5d6e43189413e295f8f02f2d93c3f8eac738daea6e632152f6e744dc70e1d9b19973eb2188f2ea4587e94933b8984182d33d0a2e12cf19b2a77f47085223c5d4b61e20cb1c00ace130c2b09121b7d30468abc6339d5d083bd90d4dd2ce997b065ecba37ecdb6cfe66cfe7bf408c8d2501abaf2ab9d74377817486ad1c1fbd4296ec6f566cafbfb37a4e71de99d5536c58162f1fd8f623b3c8709e71082234c150c0842585329322b5b5ddbeb016fb214c051b04c1e72943a4178daa4a7a6dc47bb7e9bbe0b598b8e8d1f46225e329', '\x182d33d0a2e12cf19b2a77f47085223c5d4b61e20cb1c00ace130c2b09121b7d6c58162f1fd8f623b3c8709e71082234c150c0842585329322b5b5ddbeb016fb214c051b04c1e72943a4178daa4a7a6dc47bb7e9bbe0b598b8e8d1f46225e329', 1795766111227);


--
-- Data for Name: ledger_migrations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ledger_migrations VALUES (1, 0, true, '2026-11-27 07:55:07.446673');
INSERT INTO public.ledger_migrations VALUES (2, 1, true, '2026-11-27 07:55:07.701446');
INSERT INTO public.ledger_migrations VALUES (3, 2, true, '2026-11-27 07:55:08.176009');
INSERT INTO public.ledger_migrations VALUES (4, 3, true, '2026-11-27 07:55:08.221655');
INSERT INTO public.ledger_migrations VALUES (5, 4, true, '2026-11-27 07:55:08.287525');
INSERT INTO public.ledger_migrations VALUES (6, 5, true, '2026-11-27 07:55:08.35065');
INSERT INTO public.ledger_migrations VALUES (7, 6, true, '2026-11-27 07:55:08.478774');
INSERT INTO public.ledger_migrations VALUES (8, 7, true, '2026-11-27 07:55:08.606334');
INSERT INTO public.ledger_migrations VALUES (9, 8, true, '2026-11-27 07:55:09.16664');
INSERT INTO public.ledger_migrations VALUES (10, 9, true, '2026-11-27 07:55:09.570061');
INSERT INTO public.ledger_migrations VALUES (11, 10, true, '2026-11-27 07:55:09.591588');
INSERT INTO public.ledger_migrations VALUES (12, 11, true, '2026-11-27 07:55:09.843215');
INSERT INTO public.ledger_migrations VALUES (13, 12, true, '2026-11-27 07:55:10.003647');


--
-- Data for Name: ledger_sweep_held; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ledger_sweep_held VALUES (1400000000, 'e259ababb985621f9949926c172c34e3b833fe23edeb7ce964cfd5283825838e', 'call-9', 'not started', '{}', 1, 1795766111064, 1795766111064, 1795766411064, NULL, '', '');


--
-- Data for Name: ledger_sweeps; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ledger_sweeps VALUES (1400000000, 1772000000);


--
-- Data for Name: ledger_tariff_uses; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ledger_tariff_uses VALUES ('standard', '1acecd2dc7674b41cb4d581a665c046d2069292345be85ae237f17d339ef5e41', 'charge:1400000000:call-1');
INSERT INTO public.ledger_tariff_uses VALUES ('standard', '6a351739ad4dd69b6c9da9dbe22f7f99e748b43572083f5726b107041f649f18', 'charge:1400000000:call-2');
INSERT INTO public.ledger_tariff_uses VALUES ('standard', '9b20ddfff1c0c73f29f9ba6ed2a05aba691f885c083fdd692e77fc47e48e1766', 'charge:1400000000:call-4');
INSERT INTO public.ledger_tariff_uses VALUES ('standard', '17e48f229dec59884b4ad5f9322be19682adc52b95eea9eebdd3eb1c126921f6', 'charge:1400000000:call-8');
INSERT INTO public.ledger_tariff_uses VALUES ('standard', 'd715ab0996690f90581c85adeb465091ea6b3105a282c9e6b97fb5e60d1179bd', 'charge.2:1400000000:call-2');


--
-- Data for Name: ledger_tariffs; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ledger_tariffs VALUES ('1acecd2dc7674b41cb4d581a665c046d2069292345be85ae237f17d339ef5e41', '{"currency":"USD","digits":2,"rounding":"half_up","effective_from":"2023-11-14T22:13:20Z","max_duration":"24h0m0s","rules":[{"media":["Audio","Video"],"call_types":["SingleCall","MultiCall"],"results":["NormalEnd","Interrupt","Offline"],"action":"charge","rate_per_minute":"0.05","first_interval":60,"next_interval":60,"connection_fee":"0","minimum_charge":"0","per":"call"}]}');
INSERT INTO public.ledger_tariffs VALUES ('6a351739ad4dd69b6c9da9dbe22f7f99e748b43572083f5726b107041f649f18', '{"currency":"USD","digits":2,"rounding":"half_up","effective_from":"2023-11-14T22:13:20Z","max_duration":"24h0m0s","rules":[{"media":["Audio","Video"],"call_types":["SingleCall","MultiCall"],"results":["NormalEnd","Interrupt","Offline"],"action":"charge","rate_per_minute":"0.123456","first_interval":60,"next_interval":60,"connection_fee":"0","minimum_charge":"0","per":"call"}]}');
INSERT INTO public.ledger_tariffs VALUES ('9b20ddfff1c0c73f29f9ba6ed2a05aba691f885c083fdd692e77fc47e48e1766', '{"currency":"JPY","digits":0,"rounding":"half_up","effective_from":"2023-11-14T22:13:20Z","max_duration":"24h0m0s","rules":[{"media":["Audio","Video"],"call_types":["SingleCall","MultiCall"],"results":["NormalEnd","Interrupt","Offline"],"action":"charge","rate_per_minute":"45","first_interval":60,"next_interval":60,"connection_fee":"0","minimum_charge":"0","per":"call"}]}');
INSERT INTO public.ledger_tariffs VALUES ('17e48f229dec59884b4ad5f9322be19682adc52b95eea9eebdd3eb1c126921f6', '{"currency":"USD","digits":2,"rounding":"half_up","effective_from":"2023-11-14T22:13:20Z","max_duration":"24h0m0s","rules":[{"media":["Audio","Video"],"call_types":["SingleCall","MultiCall"],"results":["NormalEnd","Interrupt","Offline"],"action":"charge","rate_per_minute":"0.05","first_interval":60,"next_interval":60,"connection_fee":"0","minimum_charge":"0","per":"participant_minute"}],"evidence":{"use":"earliest_leave","without":"participant","tolerance":"5s","sources":1}}');
INSERT INTO public.ledger_tariffs VALUES ('d715ab0996690f90581c85adeb465091ea6b3105a282c9e6b97fb5e60d1179bd', '{"currency":"USD","digits":2,"rounding":"half_up","effective_from":"2023-11-14T22:13:20Z","max_duration":"24h0m0s","rules":[{"media":["Audio","Video"],"call_types":["SingleCall","MultiCall"],"results":["NormalEnd","Interrupt","Offline"],"action":"charge","rate_per_minute":"0.06","first_interval":60,"next_interval":60,"connection_fee":"0","minimum_charge":"0","per":"call"}]}');


--
-- Data for Name: ledger_versions; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ledger_versions VALUES (6, 6);
INSERT INTO public.ledger_versions VALUES (7, 6);
INSERT INTO public.ledger_versions VALUES (8, 7);
INSERT INTO public.ledger_versions VALUES (9, 8);
INSERT INTO public.ledger_versions VALUES (10, 9);
INSERT INTO public.ledger_versions VALUES (11, 10);
INSERT INTO public.ledger_versions VALUES (12, 11);


--
-- Name: ledger_checkpoints_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ledger_checkpoints_id_seq', 2, true);


--
-- Name: ledger_entries_seq_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ledger_entries_seq_seq', 12, true);


--
-- Name: ledger_migrations_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ledger_migrations_id_seq', 13, true);


--
-- Name: ledger_apps ledger_apps_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_apps
    ADD CONSTRAINT ledger_apps_pkey PRIMARY KEY (sdk_app_id);


--
-- Name: ledger_checkpoints ledger_checkpoints_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_checkpoints
    ADD CONSTRAINT ledger_checkpoints_pkey PRIMARY KEY (id);


--
-- Name: ledger_closes ledger_closes_checkpoint_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_closes
    ADD CONSTRAINT ledger_closes_checkpoint_key UNIQUE (checkpoint);


--
-- Name: ledger_closes ledger_closes_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_closes
    ADD CONSTRAINT ledger_closes_pkey PRIMARY KEY (month);


--
-- Name: ledger_entries ledger_entries_key_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_key_key UNIQUE (key);


--
-- Name: ledger_entries ledger_entries_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_pkey PRIMARY KEY (seq);


--
-- Name: ledger_entries ledger_entries_reverses_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_reverses_key UNIQUE (reverses);


--
-- Name: ledger_log ledger_log_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_log
    ADD CONSTRAINT ledger_log_pkey PRIMARY KEY (first_index);


--
-- Name: ledger_migrations ledger_migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_migrations
    ADD CONSTRAINT ledger_migrations_pkey PRIMARY KEY (id);


--
-- Name: ledger_sweep_held ledger_sweep_held_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_sweep_held
    ADD CONSTRAINT ledger_sweep_held_pkey PRIMARY KEY (sdk_app_id, key);


--
-- Name: ledger_sweeps ledger_sweeps_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_sweeps
    ADD CONSTRAINT ledger_sweeps_pkey PRIMARY KEY (sdk_app_id);


--
-- Name: ledger_tariff_uses ledger_tariff_uses_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_tariff_uses
    ADD CONSTRAINT ledger_tariff_uses_pkey PRIMARY KEY (tariff, tariff_hash);


--
-- Name: ledger_tariffs ledger_tariffs_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_tariffs
    ADD CONSTRAINT ledger_tariffs_pkey PRIMARY KEY (hash);


--
-- Name: ledger_versions ledger_versions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_versions
    ADD CONSTRAINT ledger_versions_pkey PRIMARY KEY (version);


--
-- Name: ledger_checkpoints_size; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ledger_checkpoints_size ON public.ledger_checkpoints USING btree (size);


--
-- Name: ledger_entries_call; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ledger_entries_call ON public.ledger_entries USING btree (call_id, sdk_app_id);


--
-- Name: ledger_entries_end; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ledger_entries_end ON public.ledger_entries USING btree (end_time);


--
-- Name: ledger_entries_payer; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ledger_entries_payer ON public.ledger_entries USING btree (payer, end_time);


--
-- Name: ledger_log_high; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ledger_log_high ON public.ledger_log USING btree (high, first_index);


--
-- Name: ledger_sweep_held_next; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ledger_sweep_held_next ON public.ledger_sweep_held USING btree (sdk_app_id, next_attempt_at);


--
-- Name: ledger_checkpoints ledger_checkpoints_append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ledger_checkpoints_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_append_only();


--
-- Name: ledger_closes ledger_closes_append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ledger_closes_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger_closes FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_append_only();


--
-- Name: ledger_entries ledger_entries_append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ledger_entries_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_append_only();


--
-- Name: ledger_entries ledger_entries_tariff_use; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ledger_entries_tariff_use AFTER INSERT ON public.ledger_entries FOR EACH ROW EXECUTE FUNCTION public.ledger_tariff_use();


--
-- Name: ledger_log ledger_log_append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ledger_log_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger_log FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_append_only();


--
-- Name: ledger_tariff_uses ledger_tariff_uses_append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ledger_tariff_uses_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger_tariff_uses FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_append_only();


--
-- Name: ledger_tariffs ledger_tariffs_append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ledger_tariffs_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger_tariffs FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_append_only();


--
-- Name: ledger_closes ledger_closes_checkpoint_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_closes
    ADD CONSTRAINT ledger_closes_checkpoint_fkey FOREIGN KEY (checkpoint) REFERENCES public.ledger_checkpoints(id);


--
-- Name: ledger_entries ledger_entries_reverses_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_reverses_fkey FOREIGN KEY (reverses) REFERENCES public.ledger_entries(key);


--
-- Name: ledger_entries ledger_entries_tariff_hash_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_tariff_hash_fkey FOREIGN KEY (tariff_hash) REFERENCES public.ledger_tariffs(hash);


--
-- PostgreSQL database dump complete
--


