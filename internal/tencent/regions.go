package tencent

// Regions maps region names to base URLs of the REST API. The API answers 60026
// if the app belongs to another region. D:68926
var Regions = map[string]string{
	"china":          "https://console.tim.qq.com",
	"singapore":      "https://adminapisgp.im.qcloud.com",
	"seoul":          "https://adminapikr.im.qcloud.com",
	"frankfurt":      "https://adminapiger.im.qcloud.com",
	"silicon-valley": "https://adminapiusa.im.qcloud.com",
	"jakarta":        "https://adminapiidn.im.qcloud.com",
}
