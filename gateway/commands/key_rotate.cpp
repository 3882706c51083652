#include "gateway/commands/commands.hpp"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "envelope/identity.hpp"
#include "gateway/commands/key_output.hpp"
#include "gateway/commands/key_pair.hpp"
#include "gateway/commands/key_reference.hpp"
#include "gateway/commands/run_command.hpp"
#include "gateway/config/read_recipients.hpp"
#include "gateway/config/signing_key.hpp"

namespace sallyport::gateway {

namespace {

using envelope::Recipient;
using logging::NoteVerifier;
using nlohmann::ordered_json;
using std::filesystem::path;

constexpr auto rotate_details = R"(
Makes a pair of the same kind beside the old one, under the next free name (auditor-2.key and auditor-2.pub after
auditor), and says in order what is to be done before the old private half may be destroyed. The old files stay as they
are. Where the old private half lies here encrypted, the new one is encrypted too.

The steps are those for a key in `log.recipients`. A tenant's key stands in that tenant's `recipients` instead: in
`log.recipients` it would open the whole log. What is done for one is said below the steps.

OLD is either file of the pair; the public half is enough. For a pair that signs checkpoints it is its .vkey: the new
one signs in the same name.

Examples:
  sallyport key rotate auditor.pub
  sallyport key rotate auditor.pub --out auditor-2027 --passphrase
  sallyport key rotate signer.vkey
)";

struct RotateOptions {
  std::string old;
  KeyPairOptions pair;
  bool json = false;
};

// "auditor" of auditor, auditor.key, auditor.pub and auditor.vkey.
path name_of(const path& file) {
  const path ending = file.extension();
  return ending == ".key" || ending == ".pub" || ending == ".vkey" ? path(file).replace_extension() : file;
}

// "auditor-2" after "auditor", "auditor-3" after "auditor-2": the first of which no file is there.
std::string next_name(const path& old) {
  const std::string name = old.string();
  std::size_t digits = name.size();
  while (digits > 0 && name[digits - 1] >= '0' && name[digits - 1] <= '9') --digits;
  const bool counted = digits > 1 && digits < name.size() && name.size() - digits < 9 && name[digits - 1] == '-';
  const std::string stem = counted ? name.substr(0, digits) : name + "-";
  const auto taken = [](const std::string& one, const char* ending) {
    return std::filesystem::exists(std::filesystem::symlink_status(with_ending(one, ending)));
  };
  for (int number = counted ? std::stoi(name.substr(digits)) + 1 : 2;; ++number) {
    const std::string next = stem + std::to_string(number);
    if (!taken(next, ".key") && !taken(next, ".pub") && !taken(next, ".vkey")) return next;
  }
}

// What `key new --type` calls the kind; an RSA key of another size is followed by one that is not smaller.
std::string kind_after(const Recipient& old) {
  if (old.suite() != envelope::Suite::rsa_oaep_sha256) return old.type();
  return old.type() == "rsa2048" || old.type() == "rsa3072" ? "rsa3072" : "rsa4096";
}

// As its reader says, which asks for a passphrase then, whatever the form. Throws when it is no key at all.
bool is_encrypted(const path& private_file) {
  if (!std::filesystem::exists(private_file)) return false;
  bool asked = false;
  const auto none = [&asked] {
    asked = true;
    return core::Secret{};
  };
  try {
    envelope::Identity::load(private_file, none);
  } catch (const std::runtime_error&) {
    if (!asked) throw;
  }
  return asked;
}

void explain_tenant(const std::string& old_name, const std::string& name) {
  std::cout
      << "\nFor a tenant's key: never in `log.recipients`, where it would open the whole log. Its lines stand in the\n"
      << "tenant's own `recipients` under `log.tenants`: both at first, as in 1, then the new one alone, as in 3;\n"
      << "`key check` says \"only the content of\" the tenant. In segments from before, an operator who reads the\n"
      << "tenant's content (`operator_reads: true`) exchanges it:\n"
      << "     sallyport log rewrap --tenant NAME --key OPERATOR.key --add " << name << ".pub --remove " << old_name
      << ".pub LOG\n"
      << "Otherwise the operator's key opens the segment and the tenant's its content, both in one place:\n"
      << "     sallyport log rewrap --tenant NAME --key OPERATOR.key --key " << old_name << ".key --add " << name
      << ".pub --remove " << old_name << ".pub LOG\n";
}

void explain(const path& old_path, const Recipient& old, const KeyPairOptions& pair, const Recipient& made) {
  const std::string old_name = old_path.string(), name = pair.out;
  const std::string exchange = "--key " + old_name + ".key --add " + name + ".pub --remove " + old_name + ".pub LOG\n";
  std::cout
      << "Made " << name << ".key and " << name << ".pub (" << made.type() << ", " << made.id() << "), which follow "
      << old_name << ".pub (" << old.id() << ").\n"
      << "\nFor a key in `log.recipients` (a tenant's: see the end):\n"
      << "\n1. Name both in the gateway's configuration and reload it. Both open what is written from then on:\n\n"
      << "  log:\n    recipients:\n      - " << old.text() << "\n      - " << made.text() << "\n\n"
      << "2. Move " << name << ".key to where logs are read, keep a second copy safe, and see that it opens the\n"
      << "   newest segment:  sallyport key check --key " << name << ".key LOG\n"
      << "3. Take the old line out and reload: the old key opens nothing that is written from then on.\n"
      << "4. Keep " << old_name << ".key as long as the segments from before, or give them the new key in its place;\n"
      << "   first for each tenant whose content the operator reads (`operator_reads: true`), for which the old key\n"
      << "   must still open the segments:\n"
      << "     sallyport log rewrap --tenant NAME " << exchange << "   then for the segments:\n"
      << "     sallyport log rewrap " << exchange
      << "   so also in archives: whoever has a copy from before, and the old key, can go on reading it.\n"
      << "5. The old key may be destroyed when this ends with 0 for each directory that is kept:\n"
      << "     sallyport key check --key " << name << ".key --instead-of " << old_name << ".key LOG\n";
  explain_tenant(old_name, name);
  if (!pair.encrypted()) std::cout << "\n" << name << ".key is not encrypted; --passphrase would have it so.\n";
}

void explain(const path& old_name, const KeyPairOptions& pair, const NoteVerifier& made) {
  const std::string& name = pair.out;
  std::cout
      << "Made " << name << ".key and " << name << ".vkey, which follow " << old_name.string() << ".vkey:\n\n  "
      << made.text() << "\n"
      << "\n1. Give this line to whoever verifies, by another way than the log takes. Both signers count from now:\n"
      << "     sallyport log verify --signer " << old_name.string() << ".vkey --signer " << name << ".vkey LOG\n"
      << "2. Name the new key in the gateway's configuration, the old one beside what `earlier` names, and restart it:\n\n"
      << "  log:\n    origin: " << made.name() << "\n    checkpoints:\n      key: " << name << ".key\n"
      << "      earlier: [\"file:" << old_name.string() << ".vkey\"]\n\n"
      << "3. Then destroy " << old_name.string() << ".key: nothing needs it any more. Keep " << old_name.string()
      << ".vkey as long\n   as what it signed: that goes on being verified with it.\n";
}

void rotate_recipient(const path& old_name, RotateOptions& options) {
  const Recipient old = read_recipient(with_ending(old_name, ".pub").string());
  KeyPairOptions& pair = options.pair;
  pair.type = kind_after(old);
  if (!pair.encrypted()) pair.ask = is_encrypted(with_ending(old_name, ".key"));
  const Recipient made = make_pair(pair);
  if (!options.json) return explain(old_name, old, pair, made);
  std::cout << ordered_json{{"old", json_of(old)}, {"new", json_of(made, pair)}}.dump(2) << '\n';
}

void rotate_signer(const path& old_name, const RotateOptions& options) {
  if (options.pair.encrypted()) throw std::runtime_error("a key that signs is not encrypted: each start needs it");
  const NoteVerifier old = read_signer(with_ending(old_name, ".vkey"));
  const NoteVerifier made = make_signer_pair(options.pair.out, old.name());
  if (!options.json) return explain(old_name, options.pair, made);
  std::cout << ordered_json{{"old", json_of(old)}, {"new", json_of(made, options.pair.out)}}.dump(2) << '\n';
}

void rotate(RotateOptions& options) {
  if (is_kept_elsewhere(options.old)) {
    throw std::runtime_error(options.old +
                             " makes its next key itself (docs/keys.md); `key show` prints its line then");
  }
  const path old_name = name_of(options.old);
  if (options.pair.out.empty()) options.pair.out = next_name(old_name);
  if (std::filesystem::exists(with_ending(old_name, ".vkey"))) return rotate_signer(old_name, options);
  if (std::filesystem::exists(with_ending(old_name, ".pub"))) return rotate_recipient(old_name, options);
  throw std::runtime_error("neither " + old_name.string() + ".pub nor " + old_name.string() +
                           ".vkey is there: the old pair's public half is needed");
}

}  // namespace

void add_key_rotate(CLI::App& key, int& exit_code) {
  CLI::App* command = key.add_subcommand("rotate", "Make the pair that follows an old one, and say what comes next");
  command->footer(rotate_details);
  const auto options = std::make_shared<RotateOptions>();
  command->add_option("old", options->old, "The old pair, by either of its files")->required()->type_name("OLD");
  add_out_option(*command, options->pair);
  add_passphrase_options(*command, options->pair);
  command->add_flag("--json", options->json, "One JSON object, for scripts");
  command->callback([options, &exit_code] { exit_code = run_command("key", [&] { return rotate(*options), 0; }); });
}

}  // namespace sallyport::gateway
