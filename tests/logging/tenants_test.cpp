// Tenants: whose key opens what, and what becomes of content whose tenant is
// gone.
#include "logging/log_readers.hpp"
#include "logging/lost_content.hpp"
#include "tests/logging/tenant_log.hpp"
#include "tests/support/waiting.hpp"

namespace sallyport::tests {

using namespace logging;

TEST_CASE(
    "a tenant's key opens that tenant's exchanges, records and content, "
    "and nothing else") {
  const TenantLog log;
  const ReadLog read = log.read_by(acme_key());
  REQUIRE(read.exchanges.size() == 2);
  CHECK(read.find("acme-1")->request == "acme prompt");
  CHECK(read.find("acme-2")->response == "acme answer");
  CHECK(read.find("acme-1")->exchange.metadata.find(R"("tenant":"acme")") != std::string::npos);
  CHECK(read.passed_over == 4);
  CHECK(read.troubles.empty());
  CHECK(log.read_by(globex_key()).find("globex-1")->request == "globex prompt");
  CHECK_FALSE(log.read_by(globex_key()).has("acme-1"));
}

TEST_CASE("the operator's key opens all records, and no tenant's content") {
  const TenantLog log;
  const ReadLog read = log.read_by(reader_key());
  CHECK(read.exchanges.size() == 6);
  CHECK(read.passed_over == 0);
  CHECK(read.find("own-1")->request == "own prompt");
  CHECK(read.find("own-1")->sealed_for.empty());
  CHECK(read.find("acme-1")->request == "(not authentic)");
  CHECK(read.find("acme-1")->sealed_for == "acme");
  CHECK(read.find("globex-2")->sealed_for == "globex");
}

TEST_CASE("content that is wrapped to the operator too opens with either key") {
  const TenantLog log({{{"acme", {acme_key().recipient(), reader_key().recipient()}}}});
  CHECK(log.read_by(reader_key()).find("acme-1")->request == "acme prompt");
  CHECK(log.read_by(reader_key()).find("acme-1")->sealed_for.empty());
  CHECK(log.read_by(acme_key()).find("acme-1")->request == "acme prompt");
  CHECK_FALSE(log.read_by(acme_key()).has("own-1"));
  CHECK(log.findings(&reader_key()).empty());
}

TEST_CASE(
    "a tenant's long exchange is read over several segments, by the "
    "tenant alone") {
  const TemporaryDirectory directory;
  const FakeClock clock;
  auto settings = log_settings(directory.where());
  settings.segment_bytes = 100'000;
  const std::string request(500'000, 'q');
  {
    SealedLog log(settings, {reader_key().recipient()}, clock, two_tenants());
    REQUIRE(seal(log, "long", request, "short", "acme").has_value());
    REQUIRE(seal(log, "own", "o").has_value());
  }
  REQUIRE(list_segments(directory.where()).size() >= 5);
  const ReadLog read = read_log(directory.where(), acme_key());
  REQUIRE(read.exchanges.size() == 1);
  CHECK(read.exchanges[0].request == request);
  CHECK(read.exchanges[0].response == "short");
  CHECK_FALSE(read.exchanges[0].exchange.cut);
  CHECK(read_log(directory.where()).find("long")->sealed_for == "acme");
  for (envelope::Identity* key : {&reader_key(), &acme_key()}) CHECK(findings_of(directory.where(), key).empty());
}

TEST_CASE("to the tenant an exchange over a segment where its key is gone is cut, whatever the key block says") {
  const TemporaryDirectory directory;
  const FakeClock clock;
  auto settings = log_settings(directory.where());
  settings.segment_bytes = 100'000;
  // One key for both tenants: the segment opens still where acme's entry is gone.
  const bool both = GENERATE(false, true);
  const auto& globex = both ? acme_key() : globex_key();
  {
    const std::vector<Tenant> tenants{{"acme", {acme_key().recipient()}}, {"globex", {globex.recipient()}}};
    SealedLog log(settings, {reader_key().recipient()}, clock, tenants);
    REQUIRE(seal(log, "long", std::string(500'000, 'q'), "short", "acme").has_value());
    REQUIRE(seal(log, "after", "prompt", "answer", "acme").has_value());
  }
  REQUIRE(list_segments(directory.where()).size() >= 4);
  const path keys = directory / keys_name(2);
  KeyBlock block = *parse_key_block(bytes_of_file(keys));
  const bool erased = GENERATE(true, false);
  const auto acmes = std::find_if(block.entries.begin(), block.entries.end(),
                                  [](const KeyEntry& entry) { return entry.key == content_key + 1; });
  REQUIRE(acmes != block.entries.end());
  if (erased) {
    *acmes = KeyEntry{acmes->key, erased_suite, "", core::Bytes(8)};
  } else {
    block.entries.erase(acmes);
  }
  write_bytes(keys, encode_key_block(block));
  const ReadLog read = read_log(directory.where(), acme_key());
  REQUIRE(read.exchanges.size() == 2);
  CHECK(read.find("long")->exchange.cut);
  CHECK_FALSE(read.find("after")->exchange.cut);
  CHECK(read.troubles.empty());
}

TEST_CASE(
    "verification is good without a key and with each, and says whose "
    "content a key does not open") {
  const TenantLog log;
  CHECK(log.findings().empty());
  LogReport report = verify_log(log.directory.where(), &reader_key());
  CHECK(report.findings.empty());
  CHECK(report.opened_tenants.empty());
  CHECK(report.closed_tenants == Names{"acme", "globex"});
  report = verify_log(log.directory.where(), &acme_key());
  CHECK(report.findings.empty());
  CHECK(report.opened_tenants == Names{"acme"});
  CHECK(report.closed_tenants == Names{"globex"});
}

TEST_CASE("to a key that is nobody's every segment is closed") {
  const TenantLog log;
  CHECK(log.findings(&other_key()) == Names{"not-a-recipient@1", "not-a-recipient@2"});
  CHECK(log.read_by(other_key()).troubles == Names{"1: it is sealed to other keys", "2: it is sealed to other keys"});
}

TEST_CASE("a tenant misses nothing in segments from before and after its time") {
  const TenantLog log({{}, two_tenants(), {}});
  CHECK(log.findings(&acme_key()).empty());
  const ReadLog read = log.read_by(acme_key());
  CHECK(read.exchanges.size() == 1);
  CHECK(read.troubles.empty());
}

TEST_CASE("a tenant whose key was taken from one of its segments hears of it") {
  const TenantLog log({two_tenants(), two_tenants(), {}});
  // As if the key had been wrapped to another there.
  KeyBlock block = *parse_key_block(bytes_of_file(log.keys(2)));
  for (KeyEntry& entry : block.entries) {
    if (entry.recipient_id == acme_key().recipient().id()) entry.recipient_id = other_key().recipient().id();
  }
  write_bytes(log.keys(2), encode_key_block(block));
  CHECK(log.findings(&acme_key()) == Names{"not-a-recipient@2"});
  CHECK(log.read_by(acme_key()).troubles == Names{"2: it is sealed to other keys"});
}

namespace {

// An exchange of each kind stands last: the operator's, with one body, or acme's, with one too.
struct UnfinishedLog : TenantLog {
  explicit UnfinishedLog(const std::string& of) : TenantLog({two_tenants()}) {
    logging::SealedLog log(log_settings(directory.where()), {reader_key().recipient()}, clock, two_tenants());
    REQUIRE(seal(log, "last", "the only body", {}, of).has_value());
    log.end();
    REQUIRE(eventually([&] { return log.ended(); }));
    cut_behind(segment(2), 1);
  }
  void forge(std::size_t part, PartType type, KeyNumber key) { forge_part(segment(2), 0, part, type, key); }
};
constexpr KeyNumber acmes = 2, globexs = 3;

}  // namespace

TEST_CASE("the operator's content that was made to look like a tenant's is not read as if it were not there") {
  UnfinishedLog log("");
  SECTION("as a tenant's copy of the record") { log.forge(1, PartType::record, acmes); }
  SECTION("as a tenant's body") { log.forge(1, PartType::request_body, acmes); }
  SECTION("as a body of a tenant whom the segment does not name") { log.forge(1, PartType::request_body, 9); }
  const ReadLog read = log.read_by(reader_key());
  REQUIRE(read.has("last"));
  CHECK(read.find("last")->exchange.damaged);
  CHECK(read.find("last")->request == "(not authentic)");
  CHECK(read.troubles.size() == 1);
  CHECK(log.findings(&reader_key()) == Names{"forged@2", "unsealed@2"});
}

TEST_CASE("a tenant's content that was made to look like another's is not read as if it were not there") {
  UnfinishedLog log("acme");  // record, acme's copy of it, a body
  const auto is_told = [&](envelope::Identity& key) {
    const ReadLog read = log.read_by(key);
    REQUIRE(read.has("last"));
    CHECK(read.find("last")->exchange.damaged);
    CHECK(read.troubles.size() == 1);
    CHECK(log.findings(&key) == Names{"forged@2", "unsealed@2"});
  };
  SECTION("its body as another tenant's") {
    log.forge(2, PartType::request_body, globexs);
    is_told(reader_key());
    is_told(acme_key());
  }
  SECTION("its body as one more copy of the record") {
    log.forge(2, PartType::record, acmes);
    is_told(reader_key());
  }
  SECTION("its body as the operator's") {
    log.forge(2, PartType::request_body, content_key);
    is_told(reader_key());
    is_told(acme_key());
  }
  SECTION("all of it: the record tells") {
    log.forge(1, PartType::record, globexs);
    log.forge(2, PartType::request_body, globexs);
    is_told(reader_key());
    CHECK_FALSE(log.read_by(acme_key()).has("last"));
  }
}

TEST_CASE("a tenant hears of a frame that may have been its own") {
  TenantLog log({two_tenants()});
  {
    SealedLog writer(log_settings(log.directory.where()), {reader_key().recipient()}, log.clock, two_tenants());
    REQUIRE(seal(writer, "last", "prompt", "answer", "acme").has_value());
  }
  cut_behind(log.segment(2), 1);
  for (const std::size_t part : {1, 2, 3}) forge_part(log.segment(2), 0, part, PartType::record, 9);
  const ReadLog read = log.read_by(acme_key());
  CHECK_FALSE(read.has("last"));
  CHECK(read.troubles == Names{"2: frame 0 has parts that do not belong in it"});
}

TEST_CASE("the record of a tenant's exchange names the tenant, whoever finished it and however") {
  const TemporaryDirectory directory;
  const FakeClock clock;
  {
    SealedLog log(log_settings(directory.where()), {reader_key().recipient()}, clock, two_tenants());
    CHECK(finish(*log.open_entry(true, "acme"), record_named("unnamed")).has_value());
    { const auto abandoned = log.open_entry(true, "acme"); }
  }
  const ReadLog read = read_log(directory.where(), acme_key());
  REQUIRE(read.exchanges.size() == 2);
  for (const ReadExchange& one : read.exchanges) {
    CHECK(one.exchange.metadata.find(R"("tenant":"acme")") != std::string::npos);
    CHECK_FALSE(one.exchange.damaged);
  }
  CHECK(findings_of(directory.where(), &reader_key()).empty());
}

TEST_CASE(
    "content whose tenant a reload took away is dropped, stated and "
    "counted, and sealed under no other key") {
  const TemporaryDirectory directory;
  const FakeClock clock;
  auto settings = log_settings(directory.where());
  settings.overload = GENERATE(Overload::count, Overload::refuse);
  const std::string piece(70'000, 'p');
  {
    SealedLog log(settings, {reader_key().recipient()}, clock, two_tenants());
    auto small = *log.open_entry(true, "acme"), large = *log.open_entry(true, "acme");
    auto kept = *log.open_entry(true, "globex");
    REQUIRE(keep_request(small, "secret").has_value());
    REQUIRE(keep_request(kept, "kept").has_value());
    REQUIRE(keep_request(large, piece + piece).has_value());
    REQUIRE(eventually([&] { return log.counters().frames == 3; }));  // large's begin and two pieces
    log.set_recipients({reader_key().recipient()}, {{"globex", {globex_key().recipient()}}});
    REQUIRE(eventually([&] { return log.counters().segments == 2; }));
    for (int i = 0; i < 2; ++i) REQUIRE(large.response_body(core::bytes_of(piece)).has_value());
    const bool counts = settings.overload == Overload::count;
    CHECK(finish(std::move(small), record_named("small")).has_value() == counts);
    CHECK(finish(std::move(large), record_named("large")).has_value() == counts);
    CHECK(finish(std::move(kept), record_named("kept")).has_value());
    CHECK(seal(log, "unknown", "prompt", "answer", "nobody's").has_value() == counts);
    CHECK(log.counters().lost == 3);
  }
  const LogReport report = verify_log(directory.where(), &reader_key());
  CHECK(report.good());
  CHECK(report.segments.back().lost == 3);  // declared, in one frame or more
  const ReadLog read = read_log(directory.where());
  const auto says = [&](const char* id, const std::string& what) {
    return read.find(id)->exchange.metadata.find(what) != std::string::npos;
  };
  CHECK(says("small", R"("content_lost":6)"));
  CHECK(says("large",
             R"("content_lost":148928)"));  // all but the two pieces on disk
  CHECK(says("unknown", R"("content_lost":12)"));
  CHECK_FALSE(says("kept", "content_lost"));
  CHECK(read.find("small")->request.empty());
  CHECK(read.find("unknown")->request.empty());
  CHECK(read.find("large")->sealed_for == "acme");  // what was sealed before
  CHECK(read_log(directory.where(), globex_key()).find("kept")->request == "kept");
  for (std::uint64_t number : {1, 2, 3}) {
    const path segment = directory / segment_name(number);
    if (!fs::exists(segment)) continue;
    CHECK(core::text_of(bytes_of_file(segment)).find("secret") == std::string_view::npos);
  }
}

TEST_CASE(
    "an exchange that lost content keeps no more of it when its tenant "
    "is back, and says how much in all") {
  const TemporaryDirectory directory;
  const FakeClock clock;
  auto settings = log_settings(directory.where());
  settings.overload = GENERATE(Overload::count, Overload::refuse);
  const std::string whole(max_content_piece, 'p');
  {
    SealedLog log(settings, {reader_key().recipient()}, clock, two_tenants());
    const auto sealed = [&](std::uint64_t frames) {
      return eventually([&] { return log.counters().frames == frames; });
    };
    auto entry = *log.open_entry(true, "acme");
    REQUIRE(keep_request(entry, whole + "w").has_value());  // one byte waits for the next piece
    REQUIRE(sealed(2));                                     // begin, a piece
    log.set_recipients({reader_key().recipient()});
    REQUIRE(sealed(3));  // and the segment's end
    REQUIRE(keep_request(entry, whole).has_value());
    REQUIRE(sealed(4));
    log.set_recipients({reader_key().recipient()}, two_tenants());
    REQUIRE(sealed(5));
    REQUIRE(keep_request(entry, whole).has_value());
    REQUIRE(entry.response_body(core::bytes_of("answer")).has_value());
    CHECK(finish(std::move(entry), record_named("long")).has_value() == (settings.overload == Overload::count));
    CHECK(log.counters().lost == 1);
    CHECK(seal(log, "next", "prompt", "answer", "acme").has_value());
  }
  CHECK(verify_log(directory.where(), &reader_key()).good());
  const ReadLog read = read_log(directory.where());
  const std::string said = "\"content_lost\":" + std::to_string(2 * max_content_piece + 1 + 6) + "}";
  CHECK(read.find("long")->exchange.metadata.ends_with(said));
  CHECK(read.find("long")->response.empty());
  const ReadLog by_tenant = read_log(directory.where(), acme_key());
  CHECK_FALSE(by_tenant.has("long"));
  CHECK(by_tenant.unfinished.size() == 1);
  CHECK(by_tenant.find("next")->request == "prompt");
}

TEST_CASE("what an exchange lost is remembered until it ends") {
  LostContent lost;
  LogItem item;
  item.number = 7;
  item.kind = FrameKind::data;
  item.request = core::SharedBytes::copy_of(core::bytes_of("0123456789"));
  lost.drop(item);
  CHECK(lost.has(7));
  item.kind = FrameKind::end;
  item.content_lost = 0;
  lost.drop(item);
  CHECK(item.content_lost == 10);
  CHECK_FALSE(lost.has(7));
}

TEST_CASE("content that found the queue full and content whose tenant went add up") {
  LostContent lost;
  LogItem item;
  item.key = 2;
  item.request = core::SharedBytes::copy_of(core::bytes_of("0123456"));
  item.content_lost = 5;
  lost.drop(item);
  CHECK(item.content_lost == 12);
  CHECK(item.request.empty());
}

TEST_CASE(
    "when all numbers are given away, the tenants that have one can "
    "still be set") {
  LogReaders readers;
  const std::vector recipients{acme_key().recipient()};
  std::size_t free = no_key - content_key - 1;
  while (free > 0) {
    std::vector<Tenant> tenants;
    while (free > 0 && tenants.size() < max_tenants) tenants.push_back({std::to_string(free--), recipients});
    readers.set(recipients, std::move(tenants));
  }
  readers.set(recipients, {{"1", recipients}, {"2", recipients}});
  CHECK(readers.take()->tenants.size() == 2);
  CHECK_THROWS_AS(readers.set(recipients, {{"new", recipients}}), std::invalid_argument);
}

TEST_CASE("tenants past the format's limits are refused") {
  const TemporaryDirectory directory;
  const FakeClock clock;
  const auto open = [&](std::vector<Tenant> tenants) {
    SealedLog(log_settings(directory.where()), {reader_key().recipient()}, clock, std::move(tenants));
  };
  const std::vector recipients{acme_key().recipient()};
  CHECK_THROWS_AS(open({{"acme", recipients}, {"acme", recipients}}), std::invalid_argument);
  CHECK_THROWS_AS(open({{"", recipients}}), std::invalid_argument);
  CHECK_THROWS_AS(open({{std::string(65, 'a'), recipients}}), std::invalid_argument);
  CHECK_THROWS_AS(open({{"acme", {}}}), std::invalid_argument);
  CHECK_THROWS_AS(open(std::vector<Tenant>(max_tenants + 1, Tenant{"acme", recipients})), std::invalid_argument);
  std::vector<Tenant> most;
  for (std::size_t i = 0; i < max_tenants; ++i) {
    most.push_back({std::string(61, 'n') + std::to_string(100 + i), recipients});
  }
  open(most);
  CHECK(findings_of(directory.where(), &acme_key()).empty());
}

}  // namespace sallyport::tests
