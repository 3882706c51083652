// Sealing beside what it is made of, in one run: the frame as the log's writer makes it, AES-256-GCM alone as
// `openssl speed -evp aes-256-gcm` runs it (one key, one nonce, no tag), and SHA-256 alone, of which the chain is made.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <ctime>

#include "core/crypto.hpp"
#include "envelope/identity.hpp"
#include "logging/segment_writer.hpp"

namespace sallyport {
namespace {

using logging::PartType;
using logging::SegmentWriter;

// In turns of so many, so that a moment in which the machine is busy falls on each of the three.
constexpr int turn = 32;

class Stopwatch {
 public:
  template <class Work>
  void time(const Work& work) {
    const double start = now();
    for (int i = 0; i < turn; ++i) work();
    total_ += now() - start;
  }
  double seconds() const { return total_; }

 private:
  static double now() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  }
  double total_ = 0;
};

class Evp {
 public:
  Evp() {
    const unsigned char key[32] = {1}, nonce[12] = {2};
    EVP_EncryptInit_ex(context_.get(), EVP_aes_256_gcm(), nullptr, key, nonce);
  }
  void encrypt(core::ConstBytes from, core::Bytes& to) {
    int size = 0;
    EVP_EncryptUpdate(context_.get(), reinterpret_cast<unsigned char*>(to.data()), &size,
                      reinterpret_cast<const unsigned char*>(from.data()), static_cast<int>(from.size()));
  }

 private:
  struct Free {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };
  std::unique_ptr<EVP_CIPHER_CTX, Free> context_{EVP_CIPHER_CTX_new()};
};

SegmentWriter a_segment() {
  const envelope::Identity reader(core::crypto::PrivateKey::generate_p256());
  auto start = logging::SegmentStart::random();
  start.origin = "bench.example";
  return SegmentWriter(std::move(start), std::vector{reader.recipient()});
}

// One part of so many bytes in a frame.
void seal_beside_evp(benchmark::State& state) {
  SegmentWriter writer = a_segment();
  Evp evp;
  const core::Bytes plain(static_cast<std::size_t>(state.range(0)), std::byte{'x'});
  core::Bytes sealed(plain.size());
  const SegmentWriter::Part parts[] = {{PartType::request_body, plain}};
  std::uint64_t number = 0;
  Stopwatch sealing, encrypting, hashing;
  for (auto _ : state) {
    sealing.time([&] {
      writer.append(logging::FrameKind::data, ++number, parts);
      writer.taken();
    });
    encrypting.time([&] { evp.encrypt(plain, sealed); });
    hashing.time([&] { benchmark::DoNotOptimize(core::crypto::sha256(plain)); });
  }
  const double frames = static_cast<double>(state.iterations()) * turn;
  const double gigabytes = frames * static_cast<double>(plain.size()) * 1e-9;
  state.counters["frames/s"] = frames / sealing.seconds();
  state.counters["GB/s"] = gigabytes / sealing.seconds();
  state.counters["EVP_GB/s"] = gigabytes / encrypting.seconds();
  state.counters["SHA_GB/s"] = gigabytes / hashing.seconds();
  state.counters["of_EVP"] = encrypting.seconds() / sealing.seconds();
  state.counters["of_both"] = (encrypting.seconds() + hashing.seconds()) / sealing.seconds();
  state.counters["of_EVP_unchained"] = encrypting.seconds() / (sealing.seconds() - hashing.seconds());
  state.counters["chain"] = hashing.seconds() / sealing.seconds();
}
BENCHMARK(seal_beside_evp)->Arg(256)->Arg(1024)->Arg(4096)->Arg(16 * 1024)->Arg(64 * 1024);

}  // namespace
}  // namespace sallyport
