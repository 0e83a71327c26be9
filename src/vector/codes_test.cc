#include "vector/codes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <string>

namespace holdfast::vector {
namespace {

constexpr VectorMetric kMetrics[] = {VectorMetric::cosine, VectorMetric::dot, VectorMetric::l2};

// Vectors that have something in common, as those of a model do.
class Cloud {
 public:
  explicit Cloud(size_t dimension) : common_(dimension) {
    for (float& value : common_) value = normal_(engine_);
  }
  std::vector<float> next() {
    std::vector<float> out(common_.size());
    for (size_t i = 0; i < out.size(); ++i) out[i] = common_[i] + 2 * normal_(engine_);
    return out;
  }

 private:
  std::mt19937 engine_{11};
  std::normal_distribution<float> normal_;
  std::vector<float> common_;
};

std::string stored(const std::vector<float>& values) {
  std::string out(values.size() * sizeof(float), 0);
  std::memcpy(out.data(), values.data(), out.size());
  return out;
}

std::vector<float> centre_of(const std::vector<std::vector<float>>& vectors, VectorMetric metric) {
  std::vector<float> centre(vectors[0].size());
  for (const auto& one : vectors) {
    double length = 0;
    for (const float value : one) length += static_cast<double>(value) * value;
    const double scale = metric == VectorMetric::cosine ? 1 / std::sqrt(length) : 1;
    for (size_t i = 0; i < one.size(); ++i) {
      centre[i] += static_cast<float>(one[i] * scale / static_cast<double>(vectors.size()));
    }
  }
  return centre;
}

TEST(Codes, EstimatesAreWithoutBiasAndStayWithinTheirError) {
  for (const VectorMetric metric : kMetrics) {
    for (const size_t dimension : {2u, 100u, 257u, 768u, 1536u}) {
      Cloud cloud(dimension);
      std::vector<std::vector<float>> vectors;
      for (size_t i = 0; i < 4 * kGroupSize; ++i) vectors.push_back(cloud.next());
      Encoder encoder(metric, centre_of(vectors, metric));
      double sum = 0;
      size_t outside = 0;
      size_t count = 0;
      double deviation = 0;
      for (size_t group = 0; group < 4; ++group) {
        std::string codes(group_size_bytes(code_rows(dimension)), 0);
        for (size_t i = 0; i < kGroupSize; ++i) {
          encoder.encode(stored(vectors[group * kGroupSize + i]).data(), codes.data(), i);
        }
        for (int round = 0; round < 10; ++round) {
          const std::vector<float> query = cloud.next();
          float estimates[kGroupSize];
          float bounds[kGroupSize];
          kernels().score_group(encoder.query(query, 0), codes.data(), 0, estimates);
          kernels().score_group(encoder.query(query, 1), codes.data(), 0, bounds);
          for (size_t i = 0; i < kGroupSize; ++i) {
            const double exact =
                similarity(metric, query, stored(vectors[group * kGroupSize + i]).data());
            const double error = bounds[i] - estimates[i];
            ASSERT_GT(error, 0);
            sum += (exact - estimates[i]) / error;
            deviation += std::pow((exact - estimates[i]) / error, 2);
            outside += std::fabs(exact - estimates[i]) > 2.5 * error ? 1 : 0;
            ++count;
          }
        }
      }
      const auto all = static_cast<double>(count);
      EXPECT_LT(std::fabs(sum / all), 0.25) << dimension;
      EXPECT_LT(std::sqrt(deviation / all), 1.3) << dimension;
      EXPECT_LT(static_cast<double>(outside), 0.03 * all) << dimension;
    }
  }
}

TEST(Codes, AVectorThatIsTheCentreIsExact) {
  for (const VectorMetric metric : {VectorMetric::dot, VectorMetric::l2}) {
    const std::vector<float> centre = Cloud(64).next();
    Encoder encoder(metric, centre);
    std::string codes(group_size_bytes(code_rows(64)), 0);
    encoder.encode(stored(centre).data(), codes.data(), 3);
    const std::vector<float> query = Cloud(64).next();
    float bounds[kGroupSize];
    kernels().score_group(encoder.query(query, 2), codes.data(), 0, bounds);
    EXPECT_NEAR(bounds[3], similarity(metric, query, stored(centre).data()), 1e-3);
  }
}

TEST(Codes, AnEncoderThatWasMovedIsAsOneThatWasMadeThere) {
  Cloud cloud(100);
  const std::vector<float> from = cloud.next();
  const std::vector<float> to = cloud.next();
  const std::vector<float> query = cloud.next();
  Encoder moved(VectorMetric::l2, from);
  moved.move_to(to);
  Encoder made(VectorMetric::l2, to);
  const CodeQuery one = moved.query(query, 2);
  const CodeQuery other = made.query(query, 2);
  EXPECT_EQ(one.tables, other.tables);
  EXPECT_EQ(one.base, other.base);
  EXPECT_EQ(one.slack, other.slack);
  EXPECT_NE(one.tables, Encoder(VectorMetric::l2, from).query(query, 2).tables);
}

}  // namespace
}  // namespace holdfast::vector
