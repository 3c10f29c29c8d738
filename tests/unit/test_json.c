/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the check_dualstack authors
 *
 * lib/render/json.c and json_list.c: each answer as an object on one line.
 */
#include "config.h"

#include "audit/day.h"
#include "render/json.h"

#include "collect.h"
#include "trial.h"
#include "unit.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define TODAY day_start(TRIAL_TODAY)
#define HEAD                                                                                                           \
    "{'plugin':'check_dualstack','version':'" PACKAGE_VERSION "','schema':1,'time':'2026-11-22T00:00:00Z','host':"

/* What is expected has apostrophes in place of quotes, for people to read. The result is the caller's to free. */
static char *json_of(const char *expected)
{
    char *text = strdup(expected);

    ck_assert_ptr_nonnull(text);
    for (char *c = text; *c != '\0'; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    return text;
}

static void assert_json(const struct collect *collected)
{
    json_t *object = json_loadb(collected->text, collected->length, JSON_REJECT_DUPLICATES, NULL);

    ck_assert(json_is_object(object));
    ck_assert_ptr_eq(strchr(collected->text, '\n'), collected->text + collected->length - 1);
    json_decref(object);
}

/* One line, of JSON, and this one. */
static void assert_object(const struct collect *collected, const char *expected)
{
    char *text = json_of(expected);

    assert_json(collected);
    ck_assert_str_eq(collected->text, text);
    free(text);
}

static void assert_contains(const struct collect *collected, const char *expected)
{
    char *text = json_of(expected);

    ck_assert_msg(strstr(collected->text, text) != NULL, "%.900s lacks %.900s", collected->text, text);
    free(text);
}

/* --- verdicts ---------------------------------------------------------------------------------------------------- */

static void verdict_collect(struct collect *collected, const char *rules, const char *host,
                            const struct snapshot *wanted)
{
    struct trial *trial = trial_begin(rules, host);
    struct snapshot snapshot = *wanted;
    struct view view = {.policy = trial->policy, .snapshot = &snapshot, .today = TRIAL_TODAY};
    const struct sink sink = collect_sink(collected);

    trial->question.everything = json_writer.needs_everything;
    trial_judge(trial);
    strcpy(trial->tally->host.name, "h1");
    trial->tally->host.netns = 4026531840;
    snapshot.tally = trial->tally;
    snapshot.time = TODAY;
    view.verdict = trial->verdict;
    ck_assert_int_eq(json_writer.verdict(&view, &sink), 0);
    assert_json(collected);
    trial_end(trial);
}

#define H1 HEAD "'h1','source':'netlink','remark':null,'netns':4026531840,'namespace':null,"
#define ADDRESSES "'addresses':{'ipv4':'external','ipv6':'external'},'baseline':null,"

/* Whole ones. What is not known is null, or left out. */
static const struct {
    const char *rules;
    const char *host;
    const char *expected;
} verdicts[] = {
    {"", "",
     H1 "'ipv6':true," ADDRESSES "'state':'OK','summary':'0 services listen, 0 v4-mapped connections, no policy to "
        "judge by','services':[],'changes':[],'totals':{'mapped':0,'mapped_out':0,'violations':0,'unlisted':0,"
        "'unjudged_udp':0,'waived':0},"
        "'errors':[]}\n"},
    {"443 any", "notcp noudp ipv6?",
     H1
     "'ipv6':null,'addresses':{'ipv4':'external','ipv6':null},'baseline':null,'state':'UNKNOWN','summary':'1 of 1 "
     "service cannot be "
     "judged: 443/tcp cannot be "
     "judged','services':[{'name':'tcp_443','protocol':'tcp','port':443,'scope':null,'rule':'443 any','origin':"
     "'p:1','required':'any','stack':'unknown','form':null,'lopsided':false,'reach':{'ipv4':null,'ipv6':null},"
     "'state':'UNKNOWN','waived':false,'waive_until':null,'reasons':['refused'],'note':null,'listeners':[],'"
     "connections':{'ipv4':0,"
     "'ipv4_mapped':0,'ipv6':0}}],'changes':[],'totals':{'violations':0,'unlisted':0,'waived':0},'errors':['refused',"
     "'refused']}\n"},
    {"443@external dual-stack name=web form=split note=OPS-1", "443=0.0.0.0+nginx.service 443~192.0.2.1*2",
     H1 "'ipv6':true," ADDRESSES "'state':'CRITICAL','summary':'1 of 1 service off policy: web 443/tcp@external is "
        "v4-only, must be dual-stack','services':[{'name':'web','protocol':'tcp','port':443,'scope':'external','rule':"
        "'443@external dual-stack name=web form=split note=OPS-1','origin':'p:1','required':'dual-stack','stack':"
        "'v4-only','form':null,'lopsided':false,'reach':{'ipv4':'external','ipv6':'none'},'state':'CRITICAL','waived':"
        "false,'waive_until':null,'reasons':['nothing accepts "
        "IPv6'],'note':'OPS-1','listeners':[{'family':'inet','address':'0.0.0.0',"
        "'port':443,'interface':null,'v6only':null,'scope':'external','accepts':['ipv4'],'reach':{'ipv4':'external',"
        "'ipv6':'none'},'sockets':1,'uid':0,'user':null,'unit':'nginx.service'}],'connections':{'ipv4':2,'ipv4_mapped':"
        "0,'ipv6':0}}],'changes':[],'totals':{'mapped':0,'mapped_out':0,'violations':1,'unlisted':0,'unjudged_udp':0,'"
        "waived':0},'"
        "errors':[]}\n"},
};

START_TEST(verdicts_are_objects)
{
    const struct snapshot snapshot = {.source = "netlink"};
    struct collect collected = {.text = NULL};

    verdict_collect(&collected, verdicts[_i].rules, verdicts[_i].host, &snapshot);
    assert_object(&collected, verdicts[_i].expected);
    collect_clear(&collected);
}
END_TEST

/* Parts of verdicts: the kinds of listeners, of stacks, and of what judges them. */
static const struct {
    const char *rules;
    const char *host;
    const char *expected;
} pieces[] = {
    {"", "1=0.0.0.0",
     "{'family':'inet','address':'0.0.0.0','port':1,'interface':null,'v6only':null,'scope':'external','accepts':['ipv4'"
     "],"
     "'reach':{'ipv4':'external','ipv6':'none'},'sockets':1,'uid':0,'user':null,'unit':null}"},
    {"", "2=::",
     "{'family':'inet6','address':'::','port':2,'interface':null,'v6only':false,'scope':'external','accepts':['ipv4',"
     "'ipv6'],'reach':{'ipv4':'external','ipv6':'external'},'sockets':1,'uid':0,'user':null,'unit':null}"},
    {"", "3=::/6",
     "{'family':'inet6','address':'::','port':3,'interface':null,'v6only':true,'scope':'external','accepts':['ipv6'],"
     "'reach':{'ipv4':'none','ipv6':'external'},'sockets':1,'uid':0,'user':null,'unit':null}"},
    {"", "4=::/?",
     "{'family':'inet6','address':'::','port':4,'interface':null,'v6only':null,'scope':'external','accepts':['ipv6'],"
     "'reach':{'ipv4':null,'ipv6':'external'},'sockets':1,'uid':0,'user':null,'unit':null}"},
    {"", "5=::ffff:192.0.2.1",
     "{'family':'inet6','address':'::ffff:192.0.2.1','port':5,'interface':null,'v6only':false,'scope':'external',"
     "'accepts':['ipv4'],'reach':{'ipv4':'external','ipv6':'none'},'sockets':1,'uid':0,'user':null,'unit':null}"},
    {"", "6=::1%lo!33:www-data+x.service",
     "'address':'::1','port':6,'interface':'lo','v6only':false,'scope':'loopback','accepts':['ipv6'],'reach':{'ipv4':"
     "'none','ipv6':'loopback'},'sockets':1,'uid':33,'user':'www-data','unit':'x.service'}"},
    /* A cgroup that is of no unit. */
    {"", "u7=fe80::1+/user.slice",
     "'scope':'link','accepts':['ipv6'],'reach':{'ipv4':'none','ipv6':'link'},'sockets':1,'uid':0,'user':null,'unit':"
     "null}"},
    {"", "u7=fe80::1",
     "{'name':'udp_7','protocol':'udp','port':7,'scope':null,'rule':null,'origin':null,'required':null,"},
    {"", "1=0.0.0.0", "'stack':'v4-only','form':null,'lopsided':false,'reach':{'ipv4':'external','ipv6':'none'},"},
    {"",
     "2=::", "'stack':'dual-stack','form':'single','lopsided':false,'reach':{'ipv4':'external','ipv6':'external'},"},
    {"", "4=::/?", "'stack':'unknown','form':null,'lopsided':false,'reach':{'ipv4':null,'ipv6':'external'},"},
    {"", "8=0.0.0.0 8=::/6",
     "'stack':'dual-stack','form':'split','lopsided':false,'reach':{'ipv4':'external','ipv6':'external'},"},
    {"443 dual-stack", "443=0.0.0.0 443=::1/6",
     "'stack':'v4-only','form':null,'lopsided':true,'reach':{'ipv4':'external','ipv6':'loopback'},'state':'CRITICAL',"
     "'waived':false,'waive_until':null,'reasons':['only [::1]:443 accepts IPv6'],"},
    {"443 dual-stack", "443=0.0.0.0 443=::1/6",
     "'summary':'1 of 1 service off policy: 443/tcp is v4-only outside loopback, IPv6 on [::1] only, must be "
     "dual-stack',"},
    /* The worst is in the summary. */
    {"1 any name=a severity=warning\n2 any name=b", "",
     "'summary':'2 of 2 services off policy: b 2/tcp: nothing listens, must listen',"},
    {"default closed severity=warning", "22=127.0.0.1",
     "{'name':'tcp_22','protocol':'tcp','port':22,'scope':null,'rule':'default closed severity=warning','origin':'p:1',"
     "'required':'closed',"},
    {"default closed", "u40000=0.0.0.0 u40000=::", "'violations':0,'unlisted':0,'unjudged_udp':2,'waived':0}"},
    {"default closed severity=warning", "22=127.0.0.1", "'violations':1,'unlisted':1,'unjudged_udp':0,'waived':0}"},
    {"443 v4-only waive-until=2026-11-22", "443=::",
     "'state':'OK','waived':true,'waive_until':'2026-11-22','reasons':['[::]:443 accepts IPv6'],'note':null,"},
    {"443 v4-only waive-until=2026-11-22", "443=::", "'violations':0,'unlisted':0,'unjudged_udp':0,'waived':1}"},
    {"443 any", "443=0.0.0.0 443=:: 443~::ffff:10.0.0.1*3 443~10.0.0.1*2 443~2001:db8::1",
     "'connections':{'ipv4':2,'ipv4_mapped':3,'ipv6':1}"},
    {"443 any", "443=:: 443~::ffff:10.0.0.1*3 444~::ffff:10.0.0.1*4", "'totals':{'mapped':3,'mapped_out':4,"},
};

START_TEST(verdicts_have_their_parts)
{
    const struct snapshot snapshot = {.source = "netlink"};
    struct collect collected = {.text = NULL};

    verdict_collect(&collected, pieces[_i].rules, pieces[_i].host, &snapshot);
    assert_contains(&collected, pieces[_i].expected);
    collect_clear(&collected);
}
END_TEST

#define SIDE "'form':null,'lopsided':false,'reach':{'ipv4':'none','ipv6':'external'},'listeners':[{"

/* What changed, with both sides in full. */
START_TEST(changes_are_objects)
{
    struct trial *trial = trial_begin("", "443=::/6+a.service 80=::/6");
    struct tally *before = trial_tally("443=::+a.service 81=::/6 noudp");
    const struct view_baseline baseline = {.file = "web1.json", .time = TODAY, .captures = 2};
    const struct snapshot snapshot = {.source = "netlink", .tally = trial->tally, .time = TODAY};
    struct view view = {.policy = trial->policy, .snapshot = &snapshot, .baseline = &baseline};
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);

    trial->question.compares = true;
    trial->question.baseline = before;
    trial_judge(trial);
    view.verdict = trial->verdict;
    ck_assert_int_eq(json_writer.verdict(&view, &sink), 0);
    assert_json(&collected);
    assert_contains(&collected, "'baseline':{'file':'web1.json','time':'2026-11-22T00:00:00Z','captures':2}");
    assert_contains(&collected, ". 3 changes since 2026-11-22T00:00:00Z, UDP cannot be compared',");
    assert_contains(&collected,
                    "'changes':[{'protocol':'tcp','port':80,'change':'appeared','state':'WARNING','differs':"
                    "[],'unknown':[],'sentence':'80/tcp appeared: v6-only on [::]:80','before':null,'after':"
                    "{'stack':'v6-only'," SIDE);
    assert_contains(&collected,
                    "'change':'gone','state':'WARNING','differs':[],'unknown':[],'sentence':'81/tcp is gone, "
                    "was v6-only on [::]:81','before':{'stack':'v6-only'," SIDE);
    assert_contains(&collected,
                    "'change':'changed','state':'WARNING','differs':['stack','v6only'],'unknown':[],'sentence'"
                    ":'443/tcp is v6-only, was dual-stack: IPV6_V6ONLY is on for [::]:443, was off','before':"
                    "{'stack':'dual-stack','form':'single',");
    assert_contains(&collected, "'errors':['UDP cannot be compared, the baseline could not read it: refused']");
    collect_clear(&collected);
    trial_end(trial);
    tally_free(before);
}
END_TEST

START_TEST(snapshot_is_reported)
{
    struct snapshot snapshot = {.source = "procfs", .namespace = "blue"};
    struct collect collected = {.text = NULL};

    strcpy(snapshot.remark, "as <pigs> fly");
    strcpy(snapshot.fault, "broken \xff");
    verdict_collect(&collected, "", "noipv6", &snapshot);
    assert_contains(&collected, HEAD "'h1','source':'procfs','remark':'as <pigs> fly','netns':4026531840,'namespace':"
                                     "'blue','ipv6':false,");
    assert_contains(&collected, "'errors':['broken \xef\xbf\xbd']}\n");
    collect_clear(&collected);
}
END_TEST

/* --- no verdict -------------------------------------------------------------------------------------------------- */

#define FAILED                                                                                                         \
    "'source':null,'remark':null,'netns':null,'namespace':null,'ipv6':null,'addresses':null,'baseline':null,'state':"
#define NOTHING ",'services':[],'changes':[],'totals':{},'errors':"

static const struct {
    struct writer_failure failure;
    const char *expected;
} failures[] = {
    {{.state = STATE_UNKNOWN, .host = "h1", .sentences = (const char *[]){"broken"}, .count = 1},
     HEAD "'h1'," FAILED "'UNKNOWN','summary':'broken'" NOTHING "['broken']}\n"},
    {{.state = STATE_CRITICAL, .host = "", .sentences = (const char *[]){"too \"late\""}, .count = 1},
     HEAD "''," FAILED "'CRITICAL','summary':'too \\\"late\\\"'" NOTHING "['too \\\"late\\\"']}\n"},
    {{.state = STATE_UNKNOWN, .host = "h1", .sentences = (const char *[]){"a", "b", "c"}, .count = 3},
     HEAD "'h1'," FAILED "'UNKNOWN','summary':'a'" NOTHING "['a','b','c']}\n"},
    /* What helps is reported, but how a command line looks is for a person at a terminal. */
    {{.state = STATE_UNKNOWN,
      .host = "h1",
      .sentences = (const char *[]){"a"},
      .count = 1,
      .more = "looked there",
      .usage = "Usage: ..."},
     HEAD "'h1'," FAILED "'UNKNOWN','summary':'a'" NOTHING "['a','looked there']}\n"},
};

START_TEST(failures_are_objects)
{
    struct writer_failure failure = failures[_i].failure;
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);

    failure.time = TODAY;
    ck_assert_int_eq(json_writer.failure(&failure, &sink), 0);
    assert_object(&collected, failures[_i].expected);
    collect_clear(&collected);
}
END_TEST

static const struct {
    struct writer_lint lint;
    const char *expected;
} lints[] = {
    {{.state = STATE_OK, .summary = "1 rule, no warnings"},
     HEAD "'h1'," FAILED "'OK','summary':'1 rule, no warnings'" NOTHING "[]}\n"},
    {{.state = STATE_OK, .summary = "1 rule, 1 warning", .findings = (const char *[]){"odd"}, .count = 1},
     HEAD "'h1'," FAILED "'OK','summary':'1 rule, 1 warning'" NOTHING "['odd']}\n"},
    {{.state = STATE_UNKNOWN, .summary = "2 mistakes", .findings = (const char *[]){"bad", "worse"}, .count = 2},
     HEAD "'h1'," FAILED "'UNKNOWN','summary':'2 mistakes'" NOTHING "['bad','worse']}\n"},
};

START_TEST(lint_is_an_object)
{
    struct writer_lint lint = lints[_i].lint;
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);

    lint.host = "h1";
    lint.time = TODAY;
    ck_assert_int_eq(json_writer.lint(&lint, &sink), 0);
    assert_object(&collected, lints[_i].expected);
    collect_clear(&collected);
}
END_TEST

/* --- lists ------------------------------------------------------------------------------------------------------- */

static char www_data[] = "www-data";
static char nginx[] = "nginx.service";
static char path[] = "/user.slice";
static const struct owners_entry known_user = {.id = 33, .asked = true, .name = www_data};
static const struct owners_entry nameless_user = {.id = 34, .asked = true};
static const struct owners_entry known_unit = {.id = 7, .asked = true, .state = TALLY_UNIT_KNOWN, .name = nginx};
static const struct owners_entry path_unit = {.id = 8, .asked = true, .state = TALLY_UNIT_KNOWN, .name = path};
static const struct owners_entry gone_unit = {.id = 9, .asked = true, .state = TALLY_UNIT_GONE};

static const struct {
    const char *local;
    const char *remote;
    struct sock_record record;
    const struct owners_entry *user;
    const struct owners_entry *unit;
    const char *expected;
} rows[] = {
    {"::",
     "::",
     {.protocol = RECORD_TCP,
      .family = RECORD_INET6,
      .state = RECORD_LISTEN,
      .v6only = RECORD_V6ONLY_NO,
      .local_port = 443,
      .receive_queue = 1,
      .uid = 33},
     &known_user,
     &known_unit,
     "{'protocol':'tcp','family':'inet6','state':'LISTEN','receive_queue':1,'send_queue':0,'address':"
     "'::','port':443,'remote_address':null,'remote_port':null,'interface':null,'v6only':false,"
     "'on_the_wire':'IPv4+IPv6','reach':{'ipv4':'external','ipv6':'external'},'uid':33,'user':'www-data','unit':'nginx."
     "service','note':'accepts "
     "IPv4 "
     "too: IPV6_V6ONLY is off'}\n"},
    {"::ffff:192.0.2.1",
     "::ffff:192.0.2.2",
     {.protocol = RECORD_TCP,
      .family = RECORD_INET6,
      .state = RECORD_ESTABLISHED,
      .local_port = 443,
      .remote_port = 50000,
      .send_queue = 4294967295,
      .uid = 34},
     &nameless_user,
     &path_unit,
     "{'protocol':'tcp','family':'inet6','state':'ESTABLISHED','receive_queue':0,'send_queue':"
     "4294967295,'address':'::ffff:192.0.2.1','port':443,'remote_address':'::ffff:192.0.2.2','remote_port':"
     "50000,'interface':null,'v6only':null,'on_the_wire':'IPv4 (mapped)','reach':null,'uid':34,'user':'34','unit':"
     "null,'note':'IPv4 client of the AF_INET6 listener [::]:443, which has IPV6_V6ONLY off'}\n"},
    {"0.0.0.0",
     "0.0.0.0",
     {.protocol = RECORD_UDP, .family = RECORD_INET, .state = RECORD_CLOSE, .local_port = 53},
     NULL,
     &gone_unit,
     "{'protocol':'udp','family':'inet','state':'UNCONNECTED','receive_queue':0,'send_queue':0,"
     "'address':'0.0.0.0','port':53,'remote_address':null,'remote_port':null,'interface':null,'v6only':"
     "null,'on_the_wire':'IPv4','reach':{'ipv4':'external','ipv6':'none'},'uid':null,'user':null,'unit':null,'note':"
     "null}\n"},
};

static struct writer_row row_of(struct sock_record *record, int i)
{
    *record = rows[i].record;
    record->local = trial_address(rows[i].local);
    record->remote = trial_address(rows[i].remote);
    return (struct writer_row){.record = record, .user = rows[i].user, .unit = rows[i].unit};
}

START_TEST(rows_are_objects)
{
    struct tally *tally = trial_tally("443=:: u53=0.0.0.0");
    struct writer_list list = {.verbose = 0};
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);
    struct sock_record record;
    struct writer_row row;

    for (int i = 0; i < UNIT_COUNT(rows); i++) {
        row = row_of(&record, i);
        json_writer.list_measure(&list, &row);
    }
    list.tally = tally;
    json_writer.list_head(&list, &sink);
    ck_assert_ptr_null(collected.text);
    row = row_of(&record, _i);
    json_writer.list_row(&list, &row, &sink);
    assert_object(&collected, rows[_i].expected);
    collect_clear(&collected);
    tally_free(tally);
}
END_TEST

/* Its last object says whether a list is whole. */
START_TEST(list_has_an_end)
{
    struct writer_list_end end = {
        .host = "h1",
        .time = TODAY,
        .rows = 3,
        .remarks = (const char *[]){"as pigs fly"},
        .remark_count = 1,
        .faults = (const char *[]){"broke off"},
        .fault_count = 0,
    };
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);

    ck_assert_int_eq(json_writer.list_end(&end, &sink), 0);
    assert_object(&collected, "{'plugin':'check_dualstack','version':'" PACKAGE_VERSION
                              "','state':'OK','sockets':3,'remarks':['as pigs fly'],'errors':[]}\n");
    collect_clear(&collected);
    end.fault_count = 1;
    ck_assert_int_eq(json_writer.list_end(&end, &sink), 0);
    assert_object(&collected, HEAD "'h1'," FAILED "'UNKNOWN','summary':'broke off'" NOTHING "['broke off']}\n");
    collect_clear(&collected);
}
END_TEST

/* --- fleets ------------------------------------------------------------------------------------------------------ */

/* A line a host, at once; nothing is kept, and the last line is of all of them. */
START_TEST(fleet_is_a_line_a_host)
{
    struct trial *trial = trial_of("", "");
    struct snapshot snapshot = {.tally = trial->tally, .source = "capture", .time = TODAY};
    const struct view view = {.policy = trial->policy, .snapshot = &snapshot, .verdict = trial->verdict};
    const struct writer_failure failure = {.state = STATE_UNKNOWN,
                                           .host = "",
                                           .time = TODAY,
                                           .sentences = (const char *[]){"broken"},
                                           .count = 1};
    struct writer_fleet fleet = {.policy = trial->policy, .time = TODAY, .expected = 2, .count = 1, .judged = 1};
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);

    ck_assert_int_eq(json_writer.fleet_host(&fleet, &(struct writer_host){.file = "a", .view = &view}, &sink), 0);
    assert_json(&collected);
    assert_contains(&collected, HEAD "'','source':'capture',");
    collect_clear(&collected);
    ck_assert_int_eq(json_writer.fleet_host(&fleet, &(struct writer_host){.file = "b", .failure = &failure}, &sink), 0);
    assert_object(&collected, HEAD "''," FAILED "'UNKNOWN','summary':'broken'" NOTHING "['broken']}\n");
    collect_clear(&collected);
    ck_assert_int_eq(json_writer.fleet_end(&fleet, &sink), 0);
    assert_object(&collected, HEAD
                  "''," FAILED "'OK','summary':'1 host, no policy to judge by','services':[],"
                  "'changes':[],'totals':{},'errors':[],'fleet':{'hosts':2,'judged':1,'off':0,'unknown':0,'complete':"
                  "true,'unneeded_waivers':[]}}\n");
    json_writer.fleet_clear(&fleet);
    ck_assert_ptr_null(fleet.kept);
    collect_clear(&collected);
    trial_end(trial);
}
END_TEST

/* What broke off says so, and nobody knows which waivers are needed. */
START_TEST(fleet_says_that_it_was_stopped)
{
    struct trial *trial = trial_of("443 any waive-until=2026-11-22", "443=::");
    struct writer_fleet fleet = {.policy = trial->policy, .time = TODAY, .expected = 9, .count = 1, .judged = 1};
    struct collect collected = {.text = NULL};
    const struct sink sink = collect_sink(&collected);

    ck_assert_int_eq(waiver_list_add(&fleet.waivers, trial->policy, trial->verdict), 0);
    ck_assert_int_eq(json_writer.fleet_end(&fleet, &sink), 0);
    assert_contains(&collected, "'complete':true,'unneeded_waivers':[{'rule':'443 any waive-until=2026-11-22','origin':"
                                "'p:1','waive_until':'2026-11-22'}]");
    collect_clear(&collected);
    fleet.stopped = "stopped by SIGINT";
    fleet.waivers.partial = true;
    fleet.state = STATE_UNKNOWN;
    ck_assert_int_eq(json_writer.fleet_end(&fleet, &sink), 0);
    assert_contains(&collected, "'state':'UNKNOWN','summary':'stopped by SIGINT after 1 of 9 hosts. 1 host on policy'");
    assert_contains(&collected, "'errors':['stopped by SIGINT'],");
    assert_contains(&collected, "'complete':false,'unneeded_waivers':[]");
    collect_clear(&collected);
    waiver_list_clear(&fleet.waivers);
    trial_end(trial);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *tcase = tcase_create("json");

    tcase_add_loop_test(tcase, verdicts_are_objects, 0, UNIT_COUNT(verdicts));
    tcase_add_loop_test(tcase, verdicts_have_their_parts, 0, UNIT_COUNT(pieces));
    tcase_add_test(tcase, snapshot_is_reported);
    tcase_add_test(tcase, changes_are_objects);
    tcase_add_loop_test(tcase, failures_are_objects, 0, UNIT_COUNT(failures));
    tcase_add_loop_test(tcase, lint_is_an_object, 0, UNIT_COUNT(lints));
    tcase_add_loop_test(tcase, rows_are_objects, 0, UNIT_COUNT(rows));
    tcase_add_test(tcase, list_has_an_end);
    tcase_add_test(tcase, fleet_is_a_line_a_host);
    tcase_add_test(tcase, fleet_says_that_it_was_stopped);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
