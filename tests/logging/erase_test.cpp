// A tenant's content erased, its key rewrapped, and what is found of whoever tampers with tenants' keys.
#include "logging/rewrap.hpp"
#include "tests/logging/tenant_log.hpp"

namespace sallyport::tests {

using namespace logging;

namespace {

RewrapResult erase(const TenantLog& log, std::uint64_t segment, envelope::KeyHolder& key = reader_key()) {
  return erase_tenant(log.segment(segment), key, "acme", FakeClock::start);
}

// The block changed by someone who has no key to make its MAC right again.
void change_block(const path& file, const std::function<void(KeyBlock&)>& change) {
  KeyBlock block = *parse_key_block(bytes_of_file(file));
  change(block);
  write_bytes(file, encode_key_block(block));
}

// The header changed by someone who makes all hashes right again.
void change_header(const path& file, const std::function<void(core::Bytes&, std::size_t extensions)>& change) {
  core::Bytes bytes = bytes_of_file(file);
  ParsedHeader parsed;
  REQUIRE(parse_header(bytes, parsed) == HeaderProblem::none);
  const auto frames = frame_bytes(file);
  bytes.resize(parsed.size);
  change(bytes, header_fixed_size + parsed.header.origin.size());
  const Digest chain = chain_of_header(core::ConstBytes(bytes).first(bytes.size() - digest_size));
  std::copy(chain.begin(), chain.end(), bytes.end() - digest_size);
  Digest before = chain;
  for (core::Bytes frame : frames) {
    before = chain_of_frame(before, core::ConstBytes(frame).first(frame.size() - digest_size));
    std::copy(before.begin(), before.end(), frame.end() - digest_size);
    bytes.insert(bytes.end(), frame.begin(), frame.end());
  }
  write_bytes(file, bytes);
}

bool is_for(const KeyEntry& entry, const envelope::Identity& key) { return entry.recipient_id == key.recipient().id(); }

}  // namespace

TEST_CASE("an erased tenant's content opens for nobody, its records for the operator, and the log is intact") {
  const TenantLog log({two_tenants(), two_tenants(), {}});
  const core::Bytes before = bytes_of_file(log.segment(1));
  for (std::uint64_t segment : {1, 2}) CHECK(erase(log, segment).outcome == Rewrapped::done);
  CHECK(bytes_of_file(log.segment(1)) == before);

  for (envelope::KeyHolder* key :
       {static_cast<envelope::KeyHolder*>(nullptr), static_cast<envelope::KeyHolder*>(&reader_key())}) {
    const LogReport report = verify_log(log.directory.where(), key);
    CHECK(report.good());
    REQUIRE(report.findings.size() == 2);
    CHECK(report.findings[0].kind == FindingKind::erased);
    CHECK(report.findings[0].words == "the content key of tenant \"acme\" was erased at 2026-01-02T03:00:00.000000Z");
    CHECK(report.closed_tenants == (key != nullptr ? Names{"globex"} : Names{}));
  }
  CHECK(log.read_by(acme_key()).exchanges.empty());
  CHECK(log.read_by(reader_key()).find("acme-1")->sealed_for == "acme");
  CHECK(log.read_by(globex_key()).find("globex-2")->request == "globex prompt");
  CHECK(log.findings(&globex_key()) == Names{"erased@1", "erased@2"});
}

TEST_CASE("an erasure that was interrupted is run again, and a segment without the tenant is as wanted") {
  const TenantLog log({two_tenants(), two_tenants(), {}});
  CHECK(erase(log, 1).outcome == Rewrapped::done);
  const core::Bytes keys = bytes_of_file(log.keys(1));
  CHECK(log.read_by(acme_key()).has("acme-2"));
  CHECK(log.findings(&acme_key()) == Names{"erased@1"});  // not that the key should open it
  CHECK(erase(log, 1).outcome == Rewrapped::as_wanted);
  CHECK(erase(log, 2).outcome == Rewrapped::done);
  CHECK(erase(log, 3).outcome == Rewrapped::not_there);
  CHECK(bytes_of_file(log.keys(1)) == keys);
}

TEST_CASE("only who opens the segment can erase, and only from a key block that is sound") {
  const TenantLog log;
  CHECK(erase(log, 1, acme_key()).outcome == Rewrapped::not_opened);
  flip(log.keys(2), bytes_of_file(log.keys(2)).size() - 1);
  CHECK(erase(log, 2).words == "its key block was altered");
  CHECK(log.read_by(acme_key()).exchanges.size() == 2);
}

TEST_CASE("a tenant's key is rewrapped by who opens it, and the segment's key stays as it is") {
  const TenantLog log({{{"acme", {acme_key().recipient(), reader_key().recipient()}}}});
  const auto rewrap = [&](RewrapPlan plan) {
    plan.tenant = "acme";
    return rewrap_segment(log.segment(1), reader_key(), plan).outcome;
  };
  CHECK(rewrap({{other_key().recipient()}, {acme_key().recipient().id()}}) == Rewrapped::done);
  CHECK(log.read_by(other_key()).find("acme-1")->request == "acme prompt");
  CHECK_FALSE(log.read_by(other_key()).has("own-1"));
  CHECK(log.read_by(acme_key()).exchanges.empty());
  CHECK(rewrap({{}, {reader_key().recipient().id()}}) == Rewrapped::done);  // without opening it
  CHECK(rewrap({{acme_key().recipient()}, {}}) == Rewrapped::not_opened);
  CHECK(rewrap({{}, {other_key().recipient().id()}}) == Rewrapped::none_left);
  CHECK(log.read_by(reader_key()).find("own-1")->request == "own prompt");
  CHECK(log.findings(&reader_key()).empty());
}

TEST_CASE("tenants' wraps that were moved, changed or taken away are found") {
  const TenantLog log({two_tenants()});
  struct Case {
    const char* what;
    std::function<void(KeyBlock&)> change;
    Names without, with_key, with_tenants;
  };
  const auto entries_of = [](KeyBlock& block, const envelope::Identity& key) -> KeyEntry& {
    return *std::find_if(block.entries.begin(), block.entries.end(), [&](const auto& e) { return is_for(e, key); });
  };
  const std::vector<Case> cases{
      {"swapped between tenants",
       [&](KeyBlock& b) { std::swap(entries_of(b, acme_key()).key, entries_of(b, globex_key()).key); },
       {},
       {"keys-altered@1"},
       {"keys-altered@1"}},
      {"changed",
       [&](KeyBlock& b) { entries_of(b, acme_key()).wrapped.back() ^= std::byte{1}; },
       {},
       {"keys-altered@1"},
       {"keys-altered@1"}},
      {"replaced by a key of the forger's",
       [&](KeyBlock& b) {
         entries_of(b, acme_key()).wrapped =
             *acme_key().recipient().wrap(core::Secret(32).reveal(), wrap_context(b.segment, 2));
       },
       {},
       {"keys-altered@1"},
       {"keys-swapped@1"}},
      {"taken away",
       [&](KeyBlock& b) { std::erase_if(b.entries, [](const auto& e) { return is_for(e, acme_key()); }); },
       {"keys-missing@1"},
       {"keys-altered@1", "keys-missing@1"},
       {"not-a-recipient@1", "keys-missing@1"}},
      {"said to be erased",
       [&](KeyBlock& b) {
         KeyEntry& entry = entries_of(b, acme_key());
         entry = {entry.key, erased_suite, {}, core::Bytes(8)};
       },
       {"erased@1"},
       {"keys-altered@1", "erased@1"},
       {"not-a-recipient@1", "erased@1"}}};
  const core::Bytes good = bytes_of_file(log.keys(1));
  for (const Case& one : cases) {
    INFO(one.what);
    change_block(log.keys(1), one.change);
    CHECK(log.findings() == one.without);
    CHECK(log.findings(&reader_key()) == one.with_key);
    CHECK(log.findings(&acme_key()) == one.with_tenants);
    write_bytes(log.keys(1), good);
  }
}

TEST_CASE(
    "a header whose tenants were changed is committed to another key, and one that contradicts itself unreadable") {
  const TenantLog log({two_tenants()});
  const core::Bytes good = bytes_of_file(log.segment(1));
  // An extension: type 2, size 2; an entry: number 2, size of the name 1, the name, 32 of the commitment.
  constexpr std::size_t first = 4, name = first + 3, second = name + 4 + 32;
  const Names swapped{"keys-swapped@1"};
  change_header(log.segment(1), [](core::Bytes& b, std::size_t at) { b[at + name + 1] ^= std::byte{1}; });
  CHECK(log.findings().empty());
  CHECK(log.findings(&reader_key()) == swapped);
  CHECK(log.findings(&acme_key()) == swapped);
  write_bytes(log.segment(1), good);

  change_header(log.segment(1), [](core::Bytes& b, std::size_t at) {
    const auto commitment = b.begin() + static_cast<std::ptrdiff_t>(at + name + 4);
    std::swap_ranges(commitment, commitment + 32, b.begin() + static_cast<std::ptrdiff_t>(at + second + 3 + 6));
  });
  CHECK(log.findings(&reader_key()) == swapped);
  CHECK(log.findings(&acme_key()) == swapped);
  write_bytes(log.segment(1), good);

  change_header(log.segment(1), [](core::Bytes& b, std::size_t at) { b[at + second + 1] = std::byte{2}; });
  CHECK(log.findings() == Names{"unreadable@1"});
}

TEST_CASE("a tenant who seals a frame with the key of its own content is found by the segment's key") {
  const TemporaryDirectory directory;
  const FakeClock clock;
  {
    SealedLog log(log_settings(directory.where()), {reader_key().recipient()}, clock, two_tenants());
    REQUIRE(seal(log, "long", std::string(100'000, 'q'), "short", "acme").has_value());
  }
  const path segment = directory / segment_name(1);
  CHECK(findings_of(directory.where(), &reader_key()).empty());
  auto frames = frame_bytes(segment);
  REQUIRE(decode_frame_head(frames[1].data()).kind == FrameKind::data);
  // Without the part that only a holder of the segment's key could make.
  core::Bytes& data = frames[1];
  const std::size_t note = part_head_size + decode_part_head(data.data() + frame_head_size).length;
  data.erase(data.begin() + frame_head_size, data.begin() + static_cast<std::ptrdiff_t>(frame_head_size + note));
  FrameHead head = decode_frame_head(data.data());
  head.parts -= 1;
  encode(head, data.data());
  rechain(segment, frames);
  CHECK(findings_of(directory.where(), &reader_key()) == Names{"forged@1"});
}

}  // namespace sallyport::tests
