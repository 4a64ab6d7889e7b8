// Stands in for opencv-mobile: a camera of two pictures with an empty one between them.
#pragma once
namespace cv {
struct Mat {
    bool full = false;
    bool empty() const { return !full; }
};
template <typename T>
struct Rect_ {
    T x, y, width, height;
};
using Rect = Rect_<int>;
enum { CAP_PROP_FRAME_WIDTH = 3, CAP_PROP_FRAME_HEIGHT = 4 };
class VideoCapture {
public:
    bool open(int) { return true; }
    bool set(int, double) { return true; }
    bool read(Mat &picture) {
        picture.full = taken_ != 1;
        return taken_++ < 3;
    }

private:
    int taken_ = 0;
};
}  // namespace cv
