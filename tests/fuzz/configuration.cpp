// A configuration's text: read, or refused in words that say where.
#include <unistd.h>

#include "gateway/config/load_config.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace sallyport;
using namespace sallyport::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const tests::TemporaryDirectory directory;
  const std::string_view text = core::text_of(input_of(data, size));
  const tests::path file = directory / "gateway.yaml";
  tests::write_file(file, text);
  const gateway::Loaded loaded = gateway::load_config(file);
  const auto lines = 1 + static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  for (const gateway::Problem& problem : loaded.problems) {
    claim(!problem.what.empty() && problem.file == file.string(), "a problem has words");
    claim(problem.place.line <= lines + 1, "and stands in the text, or at its end");
  }
  if (!loaded.usable()) return 0;
  claim(!loaded.config.listeners.empty() && !loaded.config.upstreams.empty(), "what is read can serve");
  for (const gateway::Listener& listener : loaded.config.listeners) {
    const bool named_plain = text.find("allowed") != text.npos;
    claim(listener.tls.has_value() || named_plain, "a plain listener is named as plain");
  }
  return 0;
}
