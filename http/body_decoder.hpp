// Decodes the body of one HTTP message from the bytes on the wire, without I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "http/message.hpp"

namespace sallyport::http {

// Decodes one body, sized, chunked or ended by the connection's close. Its memory is bounded by the trailers' limits.
// Chunk framing is read strictly (RFC 9112 §7.1): 1 to 16 hexadecimal digits, only CRLF as a line end, no white space;
// extensions are bounded and dropped.
class BodyDecoder {
 public:
  static constexpr std::size_t chunk_extension_limit = 256;   // bytes of extensions on one size line, ';' included
  static constexpr std::size_t extensions_limit = 16 * 1024;  // bytes of extensions in one body
  static constexpr std::size_t trailer_limit = 8 * 1024;      // bytes of the trailer section
  static constexpr std::size_t trailer_fields_limit = 100;
  static constexpr std::size_t trailer_name_limit = 256;

  explicit BodyDecoder(Framing framing);
  BodyDecoder(const BodyDecoder&) = delete;
  BodyDecoder& operator=(const BodyDecoder&) = delete;

  struct Step {
    std::size_t consumed = 0;  // bytes of `received` that this step used up
    core::ConstBytes content;  // the body's content among them: a view into `received`, may be empty
    bool finished = false;     // the body ended within these bytes; the rest belongs to the next message
  };
  // Takes one step, with at most one piece of content. Call again with the rest until all is consumed or the body has
  // finished. consumed == 0 and not finished: more bytes are needed.
  // Errors: malformed_body, and again for every later call with bytes.
  core::Result<Step> decode(core::ConstBytes received);

  // To ask when the peer has ended the stream cleanly: true when the body is complete then (until_close, or finished).
  bool ends_here() const noexcept { return finished() || framing_.kind == BodyKind::until_close; }
  bool finished() const noexcept { return phase_ == Phase::done; }

  // Trailer fields of a finished chunked body: views into this decoder.
  const Fields& trailers() const noexcept { return trailers_; }

 private:
  // What the next byte of a chunked body is. The other kinds use only data and done.
  enum class Phase : std::uint8_t { size, extension, size_lf, data, data_cr, data_lf, trailer, done, failed };

  std::optional<std::size_t> take_framing(std::string_view text);
  bool take_framing_byte(char byte);
  bool take_size_byte(char byte);
  bool take_extension_byte(char byte);
  core::ConstBytes take_data(core::ConstBytes received);
  std::optional<std::size_t> take_trailer(std::string_view text);
  core::Result<Step> decode_chunked(core::ConstBytes received);

  Framing framing_;
  Phase phase_ = Phase::size;
  bool extension_name_due_ = false;  // the previous byte was ';'
  std::uint8_t digits_ = 0;
  std::uint16_t extension_bytes_ = 0;
  std::uint32_t extensions_bytes_ = 0;
  std::uint64_t left_ = 0;  // bytes left of a sized body or of the current chunk
  std::string trailer_block_;
  Fields trailers_;
};

}  // namespace sallyport::http
