// Package s3 takes the place of that of the AWS SDK.
package s3

import (
	"errors"
	"io"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/request"
	"github.com/aws/aws-sdk-go/aws/session"
)

const (
	ErrCodeNoSuchBucket = "NoSuchBucket"
	ErrCodeNoSuchKey    = "NoSuchKey"
)

type (
	HeadBucketInput  struct{ Bucket *string }
	HeadBucketOutput struct{}
	HeadObjectInput  struct{ Bucket, Key *string }
	HeadObjectOutput struct{}
	PutObjectInput   struct {
		Bucket, Key *string
		Body        io.ReadSeeker
	}
	PutObjectOutput    struct{}
	GetObjectInput     struct{ Bucket, Key *string }
	GetObjectOutput    struct{ Body io.ReadCloser }
	ListObjectsV2Input struct {
		Bucket, Prefix, Delimiter, ContinuationToken, StartAfter *string
		MaxKeys                                                  *int64
	}
	ListObjectsV2Output struct {
		CommonPrefixes        []*CommonPrefix
		Contents              []*Object
		IsTruncated           *bool
		NextContinuationToken *string
	}
	CommonPrefix struct{ Prefix *string }
	Object       struct{ Key *string }
)

type S3 struct{}

func New(*session.Session) *S3 { return &S3{} }

var errLeftOut = errors.New("AWS is left out of this program")

func (*S3) HeadBucketWithContext(aws.Context, *HeadBucketInput, ...request.Option) (*HeadBucketOutput, error) {
	return nil, errLeftOut
}

func (*S3) HeadObjectWithContext(aws.Context, *HeadObjectInput, ...request.Option) (*HeadObjectOutput, error) {
	return nil, errLeftOut
}

func (*S3) PutObjectWithContext(aws.Context, *PutObjectInput, ...request.Option) (*PutObjectOutput, error) {
	return nil, errLeftOut
}

func (*S3) GetObjectWithContext(aws.Context, *GetObjectInput, ...request.Option) (*GetObjectOutput, error) {
	return nil, errLeftOut
}

func (*S3) ListObjectsV2WithContext(aws.Context, *ListObjectsV2Input, ...request.Option) (*ListObjectsV2Output, error) {
	return nil, errLeftOut
}
