// Heads as data: what is accepted and as what, what is refused and why. In the spirit of Http11Probe, llhttp's and
// picohttpparser's suites and of the CVEs named in docs/http.md; every vector is written here.
#pragma once

#include <string>
#include <vector>

#include "http/message.hpp"
#include "http/reader.hpp"

namespace sallyport::http::testing {

struct AcceptedRequest {
  std::string name;
  std::string bytes;
  std::string method = "GET";
  std::string target = "/";
  std::string host = "gate";
  unsigned minor_version = 1;
  std::size_t fields = 1;
  BodyKind body = BodyKind::none;
  std::uint64_t size = 0;
  bool keep_alive = true;
  bool expects_continue = false;
};

struct RefusedRequest {
  std::string name;
  std::string bytes;
  core::Reason reason = core::Reason::malformed_request;
};

struct AcceptedResponse {
  std::string name;
  std::string bytes;
  unsigned status = 200;
  std::string reason = "OK";
  BodyKind body = BodyKind::until_close;
  std::uint64_t size = 0;
  bool keep_alive = true;
  std::string request_method = "POST";
  unsigned minor_version = 1;
};

struct RefusedResponse {
  std::string name;
  std::string bytes;
  std::string request_method = "POST";
};

std::vector<AcceptedRequest> accepted_requests();
std::vector<RefusedRequest> refused_requests();
std::vector<AcceptedResponse> accepted_responses();
std::vector<RefusedResponse> refused_responses();

}  // namespace sallyport::http::testing
