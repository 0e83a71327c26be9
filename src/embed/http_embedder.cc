#include "embed/http_embedder.h"

#include <algorithm>
#include <cstdlib>

#include "base/utf8.h"
#include "embed/curl_library.h"
#include "os/os.h"

namespace holdfast {
namespace embed {
namespace {

constexpr size_t kAnswerSizeMax = 64u << 20;  // bytes
constexpr size_t kExcerptSizeMax = 300;       // of an answer, in a message

struct Answer {
  CURLcode code = CURLE_OK;
  long status = 0;
  curl_off_t retry_after_seconds = 0;
  std::string body;
};

size_t take_body(char* bytes, size_t size, size_t count, void* to) {
  auto& body = *static_cast<std::string*>(to);
  if (body.size() + size * count > kAnswerSizeMax) return 0;  // ends the transfer
  body.append(bytes, size * count);
  return size * count;
}

// On one line, cut at a whole character.
std::string excerpt(const std::string& body) {
  if (!utf8_valid(body)) return "bytes that are no text";
  std::string line(utf8_prefix(body, kExcerptSizeMax));
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return line;
}

bool may_pass(const Answer& answer) {
  if (answer.code != CURLE_OK) {
    return answer.code == CURLE_COULDNT_CONNECT || answer.code == CURLE_OPERATION_TIMEDOUT ||
           answer.code == CURLE_COULDNT_RESOLVE_HOST || answer.code == CURLE_GOT_NOTHING ||
           answer.code == CURLE_SEND_ERROR || answer.code == CURLE_RECV_ERROR ||
           answer.code == CURLE_PARTIAL_FILE;
  }
  return answer.status == 408 || answer.status == 429 || answer.status >= 500;
}

class HttpEmbedder final : public Embedder {
 public:
  HttpEmbedder(const CurlLibrary& curl, HttpEmbedderOptions options)
      : curl_(curl), options_(std::move(options)), handle_(curl.easy_init()) {
    const std::string bearer = "Authorization: Bearer " + options_.api_key;
    add_header("Content-Type: application/json");
    if (!options_.api_key.empty()) add_header(bearer.c_str());
  }
  ~HttpEmbedder() override {
    curl_.slist_free_all(headers_);
    if (handle_ != nullptr) curl_.easy_cleanup(handle_);
  }

  std::string_view model() const override { return options_.model; }
  std::string_view model_version() const override { return options_.model_version; }
  double vector_weight() const override { return 0.5; }
  Result<uint32_t> dimension() override;
  Result<std::vector<Values>> embed(std::span<const std::string> texts) override;

 private:
  void add_header(const char* line) {
    if (curl_slist* const longer = curl_.slist_append(headers_, line)) headers_ = longer;
  }
  Answer ask(const std::string& request);
  Status failure(const Answer& answer, size_t attempts) const;

  const CurlLibrary& curl_;
  const HttpEmbedderOptions options_;
  CURL* const handle_;
  curl_slist* headers_ = nullptr;
  std::optional<uint32_t> dimension_;
};

Answer HttpEmbedder::ask(const std::string& request) {
  Answer answer;
  const std::string url = options_.url + (options_.url.ends_with('/') ? "" : "/") + "embeddings";
  const auto set = [&](CURLoption option, auto value) {
    if (answer.code == CURLE_OK) answer.code = curl_.easy_setopt(handle_, option, value);
  };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_POST, 1L);
  set(CURLOPT_POSTFIELDS, request.c_str());
  set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.size()));
  set(CURLOPT_HTTPHEADER, headers_);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout.count()));
  set(CURLOPT_NOSIGNAL, 1L);
  // The key goes where it was meant to go and nowhere else.
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_WRITEFUNCTION, &take_body);
  set(CURLOPT_WRITEDATA, &answer.body);
  if (answer.code == CURLE_OK) answer.code = curl_.easy_perform(handle_);
  curl_.easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &answer.status);
  curl_.easy_getinfo(handle_, CURLINFO_RETRY_AFTER, &answer.retry_after_seconds);
  return answer;
}

Status HttpEmbedder::failure(const Answer& answer, size_t attempts) const {
  const std::string where = options_.url + " (model " + options_.model + ")";
  const std::string tried = attempts > 1 ? ", " + std::to_string(attempts) + " times" : "";
  if (answer.code != CURLE_OK) {
    return Status(StatusCode::kIoError, "asking " + where + " for embeddings failed" + tried +
                                            ": " + curl_.easy_strerror(answer.code) +
                                            "; see that it runs and that the URL is right");
  }
  const std::string said =
      ", answered " + std::to_string(answer.status) + tried + ": " + excerpt(answer.body);
  switch (answer.status) {
    case 401:
    case 403:
      return Status(StatusCode::kPermissionDenied,
                    where + said + "; give a key that it takes (HOLDFAST_EMBED_API_KEY)");
    case 404:
      return Status(StatusCode::kNotFound, where + said +
                                               "; see that the URL ends where "
                                               "\"/embeddings\" begins, and that it has the model");
    case 429:
      return Status(StatusCode::kBusy, where + said + "; go on later");
    case 400:
    case 413:
    case 422:
      return Status(StatusCode::kInvalidArgument, where + said);
    default:
      return Status(StatusCode::kIoError, where + said);
  }
}

Result<std::vector<Embedder::Values>> HttpEmbedder::embed(std::span<const std::string> texts) {
  if (handle_ == nullptr) return Status(StatusCode::kUnsupported, "libcurl gives no handle");
  if (texts.empty()) return std::vector<Values>();
  const std::string request = embeddings_request(options_, texts);
  std::chrono::milliseconds pause = options_.pause_first;
  for (size_t attempt = 1;; ++attempt) {
    const Answer answer = ask(request);
    if (answer.code == CURLE_OK && answer.status == 200) {
      return parse_embeddings(answer.body, texts.size());
    }
    if (!may_pass(answer) || attempt >= options_.attempts_max) return failure(answer, attempt);
    const auto asked_for = std::chrono::seconds(answer.retry_after_seconds);
    const auto now =
        std::min(options_.pause_max, std::max<std::chrono::milliseconds>(pause, asked_for));
    os::posix_os().sleep_us(static_cast<uint64_t>(now.count()) * 1000);
    pause = std::min(options_.pause_max, 2 * pause);
  }
}

Result<uint32_t> HttpEmbedder::dimension() {
  if (!dimension_) {
    const std::string text = "dimension";
    HOLDFAST_ASSIGN(const auto values, embed({&text, 1}));
    dimension_ = static_cast<uint32_t>(values[0].size());
  }
  return *dimension_;
}

}  // namespace
}  // namespace embed

Result<std::unique_ptr<Embedder>> http_embedder(const HttpEmbedderOptions& options) {
  HOLDFAST_TRY(embed::check_endpoint(options));
  HOLDFAST_ASSIGN(const auto* curl, embed::CurlLibrary::load());
  return std::unique_ptr<Embedder>(std::make_unique<embed::HttpEmbedder>(*curl, options));
}

}  // namespace holdfast
