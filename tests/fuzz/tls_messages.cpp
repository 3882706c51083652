// What a peer may say after the handshake, in records of its choosing. The first byte says whether tickets are taken.
#include "tests/fuzz/fuzz.hpp"
#include "tls/message_reader.hpp"

using namespace sallyport;
using namespace sallyport::fuzz;
using tls::MessageReader;
using Said = MessageReader::Said;

namespace {

struct Heard {
  Said said;  // the first thing other than tickets, or those
  std::size_t records = 0;
  bool within = false;
};

Heard hear(bool takes_tickets, const Pieces& records) {
  MessageReader reader(takes_tickets);
  Heard heard{Said::tickets};
  for (const core::Bytes& record : records) {
    heard.said = reader.take(record).said;
    ++heard.records;
    if (heard.said != Said::tickets) break;
  }
  heard.within = reader.is_within_a_message();
  return heard;
}

bool is_key_update(Said said) { return said == Said::key_update || said == Said::key_update_asking_for_ours; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t key_update_size = 5;
  if (size < 2) return 0;
  const bool takes_tickets = data[0] % 2 == 0;
  const core::ConstBytes input = input_of(data, size).subspan(1);
  const Heard one = hear(takes_tickets, whole(input));
  for (const Pieces& records : cuttings(input)) {
    const Heard other = hear(takes_tickets, records);
    if (one.said == Said::tickets) {
      claim(other.said == Said::tickets && other.within == one.within, "tickets may go on in another record");
    } else if (one.said == Said::wrong) {
      // A key update that is not the last of its record may be the last of a shorter one: what follows has another key.
      claim(other.said == Said::wrong || (is_key_update(other.said) && other.records < records.size()),
            "what is wrong in one record is wrong in several");
    } else {
      claim(other.said == one.said || other.said == Said::wrong, "a key update is whole in its record or wrong");
    }
  }
  if (!is_key_update(one.said)) return 0;
  claim(input.size() >= key_update_size, "a key update has its size");
  Pieces two = whole(input.first(input.size() - key_update_size));
  two.push_back(whole(input.last(key_update_size)).front());
  claim(hear(takes_tickets, two).said == one.said, "a key update may have a record of its own");
  return 0;
}
