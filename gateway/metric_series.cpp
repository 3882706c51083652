#include "gateway/metric_series.hpp"

#include "routing/model_call.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::string_view other = "other";

std::uint64_t nanoseconds(core::Duration duration) noexcept {
  return duration.count() > 0 ? static_cast<std::uint64_t>(duration.count()) : 0;
}

}  // namespace

std::string_view name(Operation operation) noexcept {
  switch (operation) {
    case Operation::none:
      return "";
    case Operation::chat:
      return "chat";
    case Operation::text_completion:
      return "text_completion";
    case Operation::embeddings:
      return "embeddings";
    case Operation::other:
      return other;
  }
  return other;
}

Operation operation_of(std::string_view path) noexcept {
  using routing::Family;
  const auto family = routing::model_family(path);
  if (!family) return Operation::none;
  switch (*family) {
    case Family::openai_chat:
    case Family::openai_responses:
    case Family::anthropic_messages:
      return Operation::chat;
    case Family::openai_completions:
      return Operation::text_completion;
    case Family::openai_embeddings:
      return Operation::embeddings;
    case Family::other:
      return Operation::other;
  }
  return Operation::other;
}

void MetricNames::configure(const Config& config) {
  const std::lock_guard lock(mutex_);
  listeners_.clear();
  upstreams_.clear();
  models_.clear();
  for (const Listener& listener : config.listeners) listeners_.insert(listener.name);
  for (const routing::Upstream& upstream : config.upstreams) upstreams_.insert(upstream.name);
  for (const routing::Model& model : config.models) {
    models_.emplace(model.name, model.name);
    for (const std::string& alias : model.aliases) models_.emplace(alias, model.name);
  }
}

std::string MetricNames::listener(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  return name.empty() || listeners_.contains(std::string(name)) ? std::string(name) : std::string(other);
}

std::string MetricNames::upstream(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  return name.empty() || upstreams_.contains(std::string(name)) ? std::string(name) : std::string(other);
}

std::string MetricNames::model(std::string_view name) const {
  if (name.empty()) return {};
  const std::lock_guard lock(mutex_);
  const auto found = models_.find(std::string(name));
  return found == models_.end() ? std::string(other) : found->second;
}

void Series::count(const logging::Record& record) noexcept {
  const unsigned status_class = record.status / 100;
  requests[status_class < requests.size() ? status_class : 0].add();
  request_bytes.add(record.request_bytes);
  response_bytes.add(record.response_bytes);
  if (!record.upstream.empty()) duration.observe(nanoseconds(record.duration));
  if (record.first_byte) first_token.observe(nanoseconds(*record.first_byte));
  if (record.prompt_tokens) input_tokens.observe(*record.prompt_tokens);
  if (record.completion_tokens) output_tokens.observe(*record.completion_tokens);
}

std::size_t SeriesTable::Hash::operator()(const SeriesKey& key) const noexcept {
  const std::hash<std::string_view> hash;
  std::size_t value = static_cast<std::size_t>(key.operation);
  for (const std::string_view part : {key.listener, key.model, key.upstream}) value = value * 31 + hash(part);
  return value;
}

Series& SeriesTable::find(const SeriesKey& key) {
  if (const auto found = series_.find(key); found != series_.end()) return *found->second;
  // New to this worker, or not a configured name: then each such call comes here, and leaves under "other".
  OwnedKey known{names_.listener(key.listener), names_.model(key.model), names_.upstream(key.upstream), key.operation};
  if (const auto found = series_.find(SeriesKey(known)); found != series_.end()) return *found->second;
  if (series_.size() < limit) return insert(std::move(known));
  OwnedKey rest{std::string(other), std::string(other), std::string(other), Operation::none};
  if (const auto found = series_.find(SeriesKey(rest)); found != series_.end()) return *found->second;
  return insert(std::move(rest));
}

Series& SeriesTable::insert(OwnedKey key) {
  auto series = std::make_unique<Series>();
  const std::lock_guard lock(mutex_);
  return *series_.emplace(std::move(key), std::move(series)).first->second;
}

void SeriesTable::for_each(const std::function<void(const SeriesKey&, const Series&)>& visit) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, series] : series_) visit(key, *series);
}

}  // namespace sallyport::gateway
