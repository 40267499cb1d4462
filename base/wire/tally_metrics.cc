#include "base/wire/tally_metrics.h"

#include <array>

#include <fmt/format.h>

namespace wire {

namespace {

struct Counter {
  std::string_view name;
  std::string_view help;
  uint64_t Tally::* value;
};

constexpr std::array kCounters{
    Counter{"requests_total", "Requests that came to the router.", &Tally::requests},
    Counter{"handed_over_total", "Requests whose connection its vassal got.",
            &Tally::handed_over},
    Counter{"relayed_total", "Requests whose answer went through the router.",
            &Tally::relayed},
    Counter{"received_bytes_total", "Bytes of request bodies that were relayed.",
            &Tally::received},
    Counter{"sent_bytes_total", "Bytes of answers that were relayed.", &Tally::sent},
};

struct Times {
  std::string_view name;
  std::string_view help;
  Histogram Tally::* value;
};

constexpr std::array kTimes{
    Times{"queue_seconds", "What requests waited in the router, of those that had to.",
          &Tally::queue},
    Times{"first_byte_seconds", "From arrival to the first byte of a relayed answer.",
          &Tally::first_byte},
    Times{"total_seconds", "From arrival to the end of a relayed answer.", &Tally::total},
};

class Page {
 public:
  Page(std::string* out, std::string_view label, const Tallies& tallies)
      : out_(*out), label_(label), tallies_(tallies) {}

  void counter(const Counter& row) {
    head(row.name, "counter", row.help);
    for (const auto& [key, tally] : tallies_)
      sample(row.name, key, "", tally.*row.value);
  }
  void responses() {
    head("responses_total", "counter",
         "Answers that went through the router or were its own, by class.");
    for (const auto& [key, tally] : tallies_)
      for (size_t i = 0; i < tally.status.size(); ++i)
        if (tally.status[i] != 0)
          sample("responses_total", key, fmt::format(",class=\"{}xx\"", i + 1),
                 tally.status[i]);
  }
  void refusals() {
    head("refused_total", "counter", "Requests that the router refused, by cause.");
    for (const auto& [key, tally] : tallies_)
      for (size_t i = 0; i < kCauses; ++i)
        if (tally.causes[i] != 0)
          sample("refused_total", key,
                 fmt::format(",cause=\"{}\"", name_of(static_cast<Cause>(i))),
                 tally.causes[i]);
  }
  void times(const Times& row) {
    head(row.name, "histogram", row.help);
    for (const auto& [key, tally] : tallies_)
      if (const Histogram& histogram = tally.*row.value; histogram.count() != 0)
        samples(row.name, key, histogram);
  }

 private:
  void head(std::string_view name, std::string_view type, std::string_view help) {
    fmt::format_to(std::back_inserter(out_),
                   "# HELP imperium_router_{0}_{1} {2}\n# TYPE imperium_router_{0}_{1} "
                   "{3}\n",
                   label_, name, help, type);
  }
  template <class T>
  void sample(std::string_view name,
              std::string_view key,
              std::string_view more_labels,
              T value) {
    fmt::format_to(std::back_inserter(out_),
                   "imperium_router_{0}_{1}{{{0}=\"{2}\"{3}}} "
                   "{4}\n",
                   label_, name, escaped_label(key), more_labels, value);
  }
  void samples(std::string_view name, std::string_view key, const Histogram& histogram) {
    const std::string bucket = std::string(name) + "_bucket";
    uint64_t below = 0;
    for (size_t i = 0; i < Histogram::kBounds.size(); ++i) {
      below += histogram.classes()[i];
      sample(bucket, key,
             fmt::format(",le=\"{}\"", static_cast<double>(Histogram::kBounds[i]) / 1000),
             below);
    }
    sample(bucket, key, ",le=\"+Inf\"", histogram.count());
    sample(std::string(name) + "_sum", key, "",
           static_cast<double>(histogram.sum_us()) / 1e6);
    sample(std::string(name) + "_count", key, "", histogram.count());
  }

  std::string& out_;
  std::string_view label_;
  const Tallies& tallies_;
};

}  // namespace

void append_metrics(std::string* out, std::string_view label, const Tallies& tallies) {
  Page page(out, label, tallies);
  for (const Counter& row : kCounters)
    page.counter(row);
  page.responses();
  page.refusals();
  for (const Times& row : kTimes)
    page.times(row);
}

std::string escaped_label(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out.push_back('\\');
    if (c == '\n')
      out.append("\\n");
    else
      out.push_back(c);
  }
  return out;
}

}  // namespace wire
