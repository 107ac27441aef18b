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


SET default_tablespace = '';

SET default_table_access_method = heap;

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
    CONSTRAINT ledger_entries_amount_check CHECK ((amount ~ '^-?[0-9]+(\.[0-9]+)?$'::text)),
    CONSTRAINT ledger_entries_billed_seconds_check CHECK ((billed_seconds >= 0)),
    CONSTRAINT ledger_entries_call_id_check CHECK ((call_id <> ''::text)),
    CONSTRAINT ledger_entries_check CHECK (((kind = 'reversal'::text) = (reverses IS NOT NULL))),
    CONSTRAINT ledger_entries_check1 CHECK (((kind = 'reversal'::text) OR (amount !~~ '-%'::text))),
    CONSTRAINT ledger_entries_connected_seconds_check CHECK ((connected_seconds >= 0)),
    CONSTRAINT ledger_entries_currency_check CHECK ((length(currency) = 3)),
    CONSTRAINT ledger_entries_kind_check CHECK ((kind = ANY (ARRAY['charge'::text, 'reversal'::text]))),
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
-- Data for Name: ledger_checkpoints; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ledger_checkpoints OVERRIDING SYSTEM VALUE VALUES (1, 8, 'aftercall-ledger
8
tuFOzK9bCAwld12KrLZi6aJAAA5RL7uEJ/NHGUNuOsA=
time 2026-11-26T14:13:58.770Z
', 1795702438770);


--
-- Data for Name: ledger_entries; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ledger_entries OVERRIDING SYSTEM VALUE VALUES (1, 'charge:1400000000:call-1', 'charge', 1, NULL, 1400000000, 'clinic', 'call-1', '10001', 'Audio', 'SingleCall', 'NormalEnd', 1771999927, 1771999939, 1772000000, 61, 120, 1, '0.10', 'USD', 'standard', '2023-11-14T22:13:20Z', '1acecd2dc7674b41cb4d581a665c046d2069292345be85ae237f17d339ef5e41', '[{"kind":"tariff","text":"tariff standard, version of 2023-11-14T22:13:20Z: rule 1, for Audio SingleCall NormalEnd"},{"kind":"connected","text":"connected for 61 s, from AcceptTime to EndTime","seconds":61},{"kind":"billed","text":"billed as 120 s: the first 60 s, then every 60 s begun","seconds":120},{"kind":"usage","text":"0.05 a minute × 120 s / 60 = 0.1","amount":"0.1"},{"kind":"rounded","text":"rounded half up to 2 digits: 0.10 USD","amount":"0.10"}]', '{"CallId":"call-1","Caller_Account":"10001","MediaType":"Audio","CallType":"SingleCall","StartTime":1771999927,"EndTime":1772000000,"AcceptTime":1771999939,"CallResult":"NormalEnd","CalleeList_Account":["10001","user2"],"RoomId":"roomid-1434","RoomIdType":2}', '[{"field":"EndTime","callback":"1","record":"2"}]', 'call:1400000000:call-1', 'run-call-1', '', '', 1795702438690);
INSERT INTO public.ledger_entries OVERRIDING SYSTEM VALUE VALUES (2, 'charge:1400000000:call-2', 'charge', 1, NULL, 1400000000, 'clinic', 'call-2', '10001', 'Video', 'SingleCall', 'NormalEnd', 1771996000, 1771996401, 1772000000, 3599, 3600, 1, '7.41', 'USD', 'standard', '2023-11-14T22:13:20Z', '6a351739ad4dd69b6c9da9dbe22f7f99e748b43572083f5726b107041f649f18', '[{"kind":"tariff","text":"tariff standard, version of 2023-11-14T22:13:20Z: rule 1, for Video SingleCall NormalEnd"},{"kind":"connected","text":"connected for 3599 s, from AcceptTime to EndTime","seconds":3599},{"kind":"billed","text":"billed as 3600 s: the first 60 s, then every 60 s begun","seconds":3600},{"kind":"usage","text":"0.123456 a minute × 3600 s / 60 = 7.40736","amount":"7.40736"},{"kind":"rounded","text":"rounded half up to 2 digits: 7.41 USD","amount":"7.41"}]', '{"CallId":"call-2","Caller_Account":"10001","MediaType":"Video","CallType":"SingleCall","StartTime":1771996000,"EndTime":1772000000,"AcceptTime":1771996401,"CallResult":"NormalEnd","CalleeList_Account":["10001","user2"],"RoomId":"roomid-1434","RoomIdType":2}', '[{"field":"EndTime","callback":"1","record":"2"}]', 'call:1400000000:call-2', 'run-call-2', '', '', 1795702438694);
INSERT INTO public.ledger_entries OVERRIDING SYSTEM VALUE VALUES (3, 'charge:1400000000:call-3', 'charge', 1, NULL, 1400000000, 'clinic', 'call-3', '10002', 'Audio', 'SingleCall', 'NotAnswer', 1771999927, 0, 1772000000, 0, 0, 2, '0.00', 'USD', 'standard', '2023-11-14T22:13:20Z', '1acecd2dc7674b41cb4d581a665c046d2069292345be85ae237f17d339ef5e41', '[{"kind":"tariff","text":"tariff standard, version of 2023-11-14T22:13:20Z: unconnected calls cost nothing"},{"kind":"unconnected","text":"NotAnswer, never connected: nothing to charge","amount":"0.00"}]', '{"CallId":"call-3","Caller_Account":"10002","MediaType":"Audio","CallType":"SingleCall","StartTime":1771999927,"EndTime":1772000000,"AcceptTime":0,"CallResult":"NotAnswer","CalleeList_Account":["10001","user2"],"RoomId":"roomid-1434","RoomIdType":2}', '[{"field":"EndTime","callback":"1","record":"2"}]', 'call:1400000000:call-3', 'run-call-3', '', '', 1795702438696);
INSERT INTO public.ledger_entries OVERRIDING SYSTEM VALUE VALUES (4, 'charge:1400000000:call-4', 'charge', 1, NULL, 1400000000, 'clinic', 'call-4', '10002', 'Audio', 'MultiCall', 'NormalEnd', 1771999927, 1771999939, 1772000000, 61, 120, 3, '90', 'JPY', 'standard', '2023-11-14T22:13:20Z', '9b20ddfff1c0c73f29f9ba6ed2a05aba691f885c083fdd692e77fc47e48e1766', '[{"kind":"tariff","text":"tariff standard, version of 2023-11-14T22:13:20Z: rule 1, for Audio MultiCall NormalEnd"},{"kind":"connected","text":"connected for 61 s, from AcceptTime to EndTime","seconds":61},{"kind":"billed","text":"billed as 120 s: the first 60 s, then every 60 s begun","seconds":120},{"kind":"usage","text":"45 a minute × 120 s / 60 = 90","amount":"90"},{"kind":"rounded","text":"rounded half up to whole units: 90 JPY","amount":"90"}]', '{"CallId":"call-4","Caller_Account":"10002","MediaType":"Audio","CallType":"MultiCall","StartTime":1771999927,"EndTime":1772000000,"AcceptTime":1771999939,"CallResult":"NormalEnd","CalleeList_Account":["10002","user2","user3","user4"],"RoomId":"roomid-1434","RoomIdType":2}', '[{"field":"EndTime","callback":"1","record":"2"}]', 'call:1400000000:call-4', 'run-call-4', '', '', 1795702438704);
INSERT INTO public.ledger_entries OVERRIDING SYSTEM VALUE VALUES (5, 'charge:1400000000:通话-5 "quoted"', 'charge', 1, NULL, 1400000000, 'clinic', '通话-5 "quoted"', '患者 '' 七', 'Audio', 'SingleCall', 'NormalEnd', 1771999927, 1771999939, 1772000000, 61, 120, 1, '0.10', 'USD', 'standard', '2023-11-14T22:13:20Z', '1acecd2dc7674b41cb4d581a665c046d2069292345be85ae237f17d339ef5e41', '[{"kind":"tariff","text":"tariff standard, version of 2023-11-14T22:13:20Z: rule 1, for Audio SingleCall NormalEnd"},{"kind":"connected","text":"connected for 61 s, from AcceptTime to EndTime","seconds":61},{"kind":"billed","text":"billed as 120 s: the first 60 s, then every 60 s begun","seconds":120},{"kind":"usage","text":"0.05 a minute × 120 s / 60 = 0.1","amount":"0.1"},{"kind":"rounded","text":"rounded half up to 2 digits: 0.10 USD","amount":"0.10"}]', '{"CallId":"通话-5 \"quoted\"","Caller_Account":"患者 '' 七","MediaType":"Audio","CallType":"SingleCall","StartTime":1771999927,"EndTime":1772000000,"AcceptTime":1771999939,"CallResult":"NormalEnd","CalleeList_Account":["患者 '' 七","医生"],"RoomId":"roomid-1434","RoomIdType":2}', '[{"field":"EndTime","callback":"1","record":"2"}]', 'call:1400000000:通话-5 "quoted"', 'run-通话-5 "quoted"', '', '', 1795702438704);
INSERT INTO public.ledger_entries OVERRIDING SYSTEM VALUE VALUES (6, 'reversal:1400000000:call-1', 'reversal', 1, 'charge:1400000000:call-1', 1400000000, 'clinic', 'call-1', '10001', 'Audio', 'SingleCall', 'NormalEnd', 1771999927, 1771999939, 1772000000, 61, 120, 1, '-0.10', 'USD', 'standard', '2023-11-14T22:13:20Z', '1acecd2dc7674b41cb4d581a665c046d2069292345be85ae237f17d339ef5e41', '[{"kind":"reversal","text":"takes back 0.10 USD, which charge:1400000000:call-1 charged","amount":"-0.10"}]', '{"CallId":"call-1","Caller_Account":"10001","MediaType":"Audio","CallType":"SingleCall","StartTime":1771999927,"EndTime":1772000000,"AcceptTime":1771999939,"CallResult":"NormalEnd","CalleeList_Account":["10001","user2"],"RoomId":"roomid-1434","RoomIdType":2}', 'null', 'call:1400000000:call-1', '', 'wrong number', 'alice', 1795702438713);
INSERT INTO public.ledger_entries OVERRIDING SYSTEM VALUE VALUES (7, 'reversal:1400000000:call-2', 'reversal', 1, 'charge:1400000000:call-2', 1400000000, 'clinic', 'call-2', '10001', 'Video', 'SingleCall', 'NormalEnd', 1771996000, 1771996401, 1772000000, 3599, 3600, 1, '-7.41', 'USD', 'standard', '2023-11-14T22:13:20Z', '6a351739ad4dd69b6c9da9dbe22f7f99e748b43572083f5726b107041f649f18', '[{"kind":"reversal","text":"takes back 7.41 USD, which charge:1400000000:call-2 charged","amount":"-7.41"}]', '{"CallId":"call-2","Caller_Account":"10001","MediaType":"Video","CallType":"SingleCall","StartTime":1771996000,"EndTime":1772000000,"AcceptTime":1771996401,"CallResult":"NormalEnd","CalleeList_Account":["10001","user2"],"RoomId":"roomid-1434","RoomIdType":2}', 'null', 'call:1400000000:call-2', '', 'wrong number', 'alice', 1795702438737);
INSERT INTO public.ledger_entries OVERRIDING SYSTEM VALUE VALUES (8, 'charge.2:1400000000:call-2', 'charge', 2, NULL, 1400000000, 'clinic', 'call-2', '10001', 'Video', 'SingleCall', 'NormalEnd', 1771996000, 1771996401, 1772000000, 3599, 3600, 1, '3.60', 'USD', 'standard', '2023-11-14T22:13:20Z', 'd715ab0996690f90581c85adeb465091ea6b3105a282c9e6b97fb5e60d1179bd', '[{"kind":"tariff","text":"tariff standard, version of 2023-11-14T22:13:20Z: rule 1, for Video SingleCall NormalEnd"},{"kind":"connected","text":"connected for 3599 s, from AcceptTime to EndTime","seconds":3599},{"kind":"billed","text":"billed as 3600 s: the first 60 s, then every 60 s begun","seconds":3600},{"kind":"usage","text":"0.06 a minute × 3600 s / 60 = 3.6","amount":"3.6"},{"kind":"rounded","text":"rounded half up to 2 digits: 3.60 USD","amount":"3.60"}]', '{"CallId":"call-2","Caller_Account":"10001","MediaType":"Video","CallType":"SingleCall","StartTime":1771996000,"EndTime":1772000000,"AcceptTime":1771996401,"CallResult":"NormalEnd","CalleeList_Account":["10001","user2"],"RoomId":"roomid-1434","RoomIdType":2}', 'null', 'call:1400000000:call-2', '', 'wrong number', 'alice', 1795702438746);
INSERT INTO public.ledger_entries OVERRIDING SYSTEM VALUE VALUES (9, 'charge:1400000000:call-6', 'charge', 1, NULL, 1400000000, 'clinic', 'call-6', '10001', 'Audio', 'SingleCall', 'NormalEnd', 1771999927, 1771999939, 1772000000, 61, 120, 1, '0.10', 'USD', 'standard', '2023-11-14T22:13:20Z', '1acecd2dc7674b41cb4d581a665c046d2069292345be85ae237f17d339ef5e41', '[{"kind":"tariff","text":"tariff standard, version of 2023-11-14T22:13:20Z: rule 1, for Audio SingleCall NormalEnd"},{"kind":"connected","text":"connected for 61 s, from AcceptTime to EndTime","seconds":61},{"kind":"billed","text":"billed as 120 s: the first 60 s, then every 60 s begun","seconds":120},{"kind":"usage","text":"0.05 a minute × 120 s / 60 = 0.1","amount":"0.1"},{"kind":"rounded","text":"rounded half up to 2 digits: 0.10 USD","amount":"0.10"}]', '{"CallId":"call-6","Caller_Account":"10001","MediaType":"Audio","CallType":"SingleCall","StartTime":1771999927,"EndTime":1772000000,"AcceptTime":1771999939,"CallResult":"NormalEnd","CalleeList_Account":["10001","user2"],"RoomId":"roomid-1434","RoomIdType":2}', '[{"field":"EndTime","callback":"1","record":"2"}]', 'call:1400000000:call-6', 'run-call-6', '', '', 1795702438772);


--
-- Data for Name: ledger_log; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ledger_log VALUES (0, 8, 0, 8, '\x00000000000000010000000000000002000000000000000300000000000000040000000000000005000000000000000600000000000000070000000000000008', '\x8cf3d146037e682e72b4c28f848ff3ba826e51db42e8c45f77029fe55b54606b7ce546f755a706f775cba7a66b60b541cd8da37971662c5b9839eef233e87efd22b0c0f7151e9cac1903d45b8864d161369b2efe0654ddac585235cb682b3815d4d2ab52379191d2171d477ef42e9acc1a909efdabe57d5264bc00be8afe568cb31255b7d349ef7020bda9c6ded31d97034d57a6c476682d4f137f02b85d3be21ac4659f805c3c5583f3e5dec51ca35ff4999b1aed6b5430fd3d564a2b12e3802443192e7e96937b47aa4273a9c9cf1afde44d6849ae40da3ce5219782074d217e833bdaf7b41fef45ece3cbd980dc988dd73c6c1d2bf43d0a6958af2fb6113dbfc42e7d5aee0150e0215cf0ab38fd74ea29632436cc4905e07c0b6ab239870eb318954dab0fe1e9109dde30f373781f8541e578b9c74c88663b1e73f6762471b31af37bc4de18076bc8a955531617e947028a5c6b88e2f24ec0f2ec539d303b998d9bfbff99a90f3ed00192e03f73c121e0fbca6e8af8a77249c72da7acb18e4a5dc0c1d2c379d7e8545b8d34dd2092f99bba2daf1572be0d27b3c2f3fd0fc19a8d3adb93baedc4557033f2d9430d3bf3a7268bf410859442fadc4650c72ad6b6e14eccaf5b080c25775d8aacb662e9a240000e512fbb8427f34719436e3ac0', '\xb6e14eccaf5b080c25775d8aacb662e9a240000e512fbb8427f34719436e3ac0', 1795702438767);


--
-- Data for Name: ledger_migrations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ledger_migrations VALUES (1, 0, true, '2026-11-26 14:13:58.531325');
INSERT INTO public.ledger_migrations VALUES (2, 1, true, '2026-11-26 14:13:58.583758');
INSERT INTO public.ledger_migrations VALUES (3, 2, true, '2026-11-26 14:13:58.624293');
INSERT INTO public.ledger_migrations VALUES (4, 3, true, '2026-11-26 14:13:58.626849');
INSERT INTO public.ledger_migrations VALUES (5, 4, true, '2026-11-26 14:13:58.63055');
INSERT INTO public.ledger_migrations VALUES (6, 5, true, '2026-11-26 14:13:58.632797');
INSERT INTO public.ledger_migrations VALUES (7, 6, true, '2026-11-26 14:13:58.642876');
INSERT INTO public.ledger_migrations VALUES (8, 7, true, '2026-11-26 14:13:58.645715');


--
-- Data for Name: ledger_sweep_held; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ledger_sweep_held VALUES (1400000000, 'e259ababb985621f9949926c172c34e3b833fe23edeb7ce964cfd5283825838e', 'call-9', 'not started', '{}', 1, 1795702438752, 1795702438752, 1795702738752, NULL, '', '');


--
-- Data for Name: ledger_sweeps; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ledger_sweeps VALUES (1400000000, 1772000000);


--
-- Data for Name: ledger_tariffs; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ledger_tariffs VALUES ('1acecd2dc7674b41cb4d581a665c046d2069292345be85ae237f17d339ef5e41', '{"currency":"USD","digits":2,"rounding":"half_up","effective_from":"2023-11-14T22:13:20Z","max_duration":"24h0m0s","rules":[{"media":["Audio","Video"],"call_types":["SingleCall","MultiCall"],"results":["NormalEnd","Interrupt","Offline"],"action":"charge","rate_per_minute":"0.05","first_interval":60,"next_interval":60,"connection_fee":"0","minimum_charge":"0","per":"call"}]}');
INSERT INTO public.ledger_tariffs VALUES ('6a351739ad4dd69b6c9da9dbe22f7f99e748b43572083f5726b107041f649f18', '{"currency":"USD","digits":2,"rounding":"half_up","effective_from":"2023-11-14T22:13:20Z","max_duration":"24h0m0s","rules":[{"media":["Audio","Video"],"call_types":["SingleCall","MultiCall"],"results":["NormalEnd","Interrupt","Offline"],"action":"charge","rate_per_minute":"0.123456","first_interval":60,"next_interval":60,"connection_fee":"0","minimum_charge":"0","per":"call"}]}');
INSERT INTO public.ledger_tariffs VALUES ('9b20ddfff1c0c73f29f9ba6ed2a05aba691f885c083fdd692e77fc47e48e1766', '{"currency":"JPY","digits":0,"rounding":"half_up","effective_from":"2023-11-14T22:13:20Z","max_duration":"24h0m0s","rules":[{"media":["Audio","Video"],"call_types":["SingleCall","MultiCall"],"results":["NormalEnd","Interrupt","Offline"],"action":"charge","rate_per_minute":"45","first_interval":60,"next_interval":60,"connection_fee":"0","minimum_charge":"0","per":"call"}]}');
INSERT INTO public.ledger_tariffs VALUES ('d715ab0996690f90581c85adeb465091ea6b3105a282c9e6b97fb5e60d1179bd', '{"currency":"USD","digits":2,"rounding":"half_up","effective_from":"2023-11-14T22:13:20Z","max_duration":"24h0m0s","rules":[{"media":["Audio","Video"],"call_types":["SingleCall","MultiCall"],"results":["NormalEnd","Interrupt","Offline"],"action":"charge","rate_per_minute":"0.06","first_interval":60,"next_interval":60,"connection_fee":"0","minimum_charge":"0","per":"call"}]}');


--
-- Data for Name: ledger_versions; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ledger_versions VALUES (6, 6);
INSERT INTO public.ledger_versions VALUES (7, 6);


--
-- Name: ledger_checkpoints_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ledger_checkpoints_id_seq', 1, true);


--
-- Name: ledger_entries_seq_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ledger_entries_seq_seq', 9, true);


--
-- Name: ledger_migrations_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ledger_migrations_id_seq', 8, true);


--
-- Name: ledger_checkpoints ledger_checkpoints_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_checkpoints
    ADD CONSTRAINT ledger_checkpoints_pkey PRIMARY KEY (id);


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
-- Name: ledger_entries ledger_entries_append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ledger_entries_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_append_only();


--
-- Name: ledger_log ledger_log_append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ledger_log_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger_log FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_append_only();


--
-- Name: ledger_tariffs ledger_tariffs_append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ledger_tariffs_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger_tariffs FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_append_only();


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


