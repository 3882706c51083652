// The Vault stand-in behind a server's script, so that a real client can be its caller.
#pragma once

#include "tests/support/scripted_server.hpp"
#include "tests/support/vault_stand_in.hpp"

namespace sallyport::tests {

// Answers one request. `vault` must outlive the server.
inline ScriptedServer::Script script_of(VaultStandIn& vault) {
  return [&vault](Peer& peer) {
    const Message request = peer.read_request();
    VaultStandIn::Request seen{request.method(), request.target(), {}, request.body};
    for (const char* name : {"X-Vault-Request", "X-Vault-Token", "X-Vault-Namespace"}) {
      if (request.count(name) > 0) seen.fields[name] = request.field(name);
    }
    const VaultStandIn::Answer answer = vault.answer(seen);
    peer.send_answer(answer.status, answer.body);
  };
}

}  // namespace sallyport::tests
