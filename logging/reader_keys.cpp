#include "logging/reader_keys.hpp"

#include <algorithm>
#include <utility>

#include "logging/frame_walker.hpp"

namespace sallyport::logging {

namespace {

std::vector<std::string> tenants_with_a_key(const ParsedHeader& header, const KeyBlock& block) {
  std::vector<std::string> names;
  for (const TenantKey& tenant : header.tenants) {
    if (state_of(block, tenant.number) == TenantKeyState::wrapped) names.push_back(tenant.name);
  }
  return names;
}

}  // namespace

std::vector<ReaderKeys::Trouble> ReaderKeys::add(std::uint64_t segment, const std::filesystem::path& file,
                                                 const ParsedHeader& header) {
  KeyBlock block;
  const UnlockProblem problem = open(segment, file, header, block);
  const bool is_closed = problem == UnlockProblem::not_a_recipient;
  if (is_closed) closed_.push_back({segment, tenants_with_a_key(header, block)});
  const bool opens_any = opens_segments_ || !tenants_.empty();
  std::vector<Trouble> troubles = opens_any ? settle() : std::vector<Trouble>();
  if (problem != UnlockProblem::none && !is_closed) {
    troubles.push_back({segment, std::string(words(problem)), !opens(segment), problem == UnlockProblem::keys_missing});
  }
  return troubles;
}

// The segment's own key, or else those of its tenants.
UnlockProblem ReaderKeys::open(std::uint64_t segment, const std::filesystem::path& file, const ParsedHeader& header,
                               KeyBlock& block) {
  Known known{file, header.header.id, {}, std::nullopt, {}, false};
  for (const TenantKey& tenant : header.tenants) known.names.emplace(tenant.number, tenant.name);
  Unlocked unlocked;
  UnlockProblem problem = unlock(file, header, holder_, unlocked);
  if (problem == UnlockProblem::none || problem == UnlockProblem::keys_altered) {
    opens_segments_ = true;
    known.keys = std::move(unlocked.keys);
  } else if (problem == UnlockProblem::not_a_recipient) {
    OpenedTenants found = unlock_tenants(header, unlocked.block, holder_);
    problem = found.problem;
    for (const OpenedTenant& tenant : found.tenants) tenants_.insert(tenant.name);
    known.tenants = std::move(found.tenants);
    known.tenants_asked = true;
  }
  known_.insert_or_assign(segment, std::move(known));
  block = std::move(unlocked.block);
  return problem;
}

std::vector<ReaderKeys::Trouble> ReaderKeys::settle() {
  std::vector<Trouble> troubles;
  for (const Closed& closed : std::exchange(closed_, {})) {
    if (!is_trouble(closed)) continue;
    troubles.push_back({closed.segment, std::string(words(UnlockProblem::not_a_recipient)), true});
  }
  return troubles;
}

// For a tenant's key there is nothing in a segment from before there was this tenant, or where its content was erased.
bool ReaderKeys::is_trouble(const Closed& closed) const {
  if (opens_segments_ || tenants_.empty()) return true;
  return std::any_of(closed.tenants.begin(), closed.tenants.end(),
                     [&](const std::string& name) { return tenants_.contains(name); });
}

bool ReaderKeys::opens(std::uint64_t segment) const {
  const auto known = known_.find(segment);
  return known != known_.end() && (known->second.keys || !known->second.tenants.empty());
}

bool ReaderKeys::misses_some(std::uint64_t segment, const ParsedHeader& header) const {
  const auto known = known_.find(segment);
  if (known != known_.end() && known->second.keys) return false;
  if (opens_segments_) return true;
  const auto opened = [&](KeyNumber number) {
    return known != known_.end() && std::any_of(known->second.tenants.begin(), known->second.tenants.end(),
                                                [&](const OpenedTenant& tenant) { return tenant.number == number; });
  };
  return std::any_of(header.tenants.begin(), header.tenants.end(),
                     [&](const TenantKey& tenant) { return tenants_.contains(tenant.name) && !opened(tenant.number); });
}

PartOpener ReaderKeys::opener(std::uint64_t segment, bool tenants) {
  Known& known = known_.at(segment);
  if (tenants) ask_for_tenants(known);
  PartOpener opener = known.keys ? PartOpener(known.id, *known.keys) : PartOpener(known.id);
  for (const OpenedTenant& tenant : known.tenants) opener.add(tenant.number, tenant.root);
  return opener;
}

bool ReaderKeys::has(std::uint64_t segment, KeyNumber key) {
  Known& known = known_.at(segment);
  if (!is_tenant_key(key)) return known.keys.has_value();
  ask_for_tenants(known);
  return std::any_of(known.tenants.begin(), known.tenants.end(), [&](const auto& t) { return t.number == key; });
}

std::string ReaderKeys::tenant_of(std::uint64_t segment, KeyNumber key) const {
  const auto& names = known_.at(segment).names;
  const auto found = names.find(key);
  return found != names.end() ? found->second : std::string();
}

void ReaderKeys::ask_for_tenants(Known& known) {
  if (std::exchange(known.tenants_asked, true) || known.names.empty()) return;
  const auto header = read_header(known.file);
  KeyBlock block;
  if (!header || read_key_block(known.file, known.id, block) != UnlockProblem::none) return;
  known.tenants = unlock_tenants(*header, block, holder_).tenants;
}

}  // namespace sallyport::logging
