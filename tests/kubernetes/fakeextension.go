// SPDX-License-Identifier: GPL-3.0-or-later

// An extension API server for demo.example/v1 with one resource, "callers",
// that tells who asked.  It speaks to the front proxy alone, as a real one does:
// to a client with a certificate of the authority for requests of the front
// proxy, of the name that kube-apiserver's has.
//
//	fakeextension ADDRESS CERTIFICATE KEY FRONT-PROXY-CA
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"log"
	"net/http"
	"os"
)

type object map[string]interface{}

func answer(w http.ResponseWriter, o object) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(o); err != nil {
		log.Print(err)
	}
}

func resources(w http.ResponseWriter, _ *http.Request) {
	answer(w, object{
		"kind":         "APIResourceList",
		"apiVersion":   "v1",
		"groupVersion": "demo.example/v1",
		"resources": []object{{
			"name":       "callers",
			"kind":       "Caller",
			"namespaced": false,
			"verbs":      []string{"list"},
		}},
	})
}

func callers(w http.ResponseWriter, r *http.Request) {
	proxy := r.TLS.PeerCertificates[0].Subject.CommonName

	if proxy != "front-proxy-client" {
		http.Error(w, "not the front proxy: "+proxy, http.StatusForbidden)
		return
	}
	answer(w, object{
		"kind":       "CallerList",
		"apiVersion": "demo.example/v1",
		"user":       r.Header.Get("X-Remote-User"),
		"groups":     r.Header.Values("X-Remote-Group"),
		"proxy":      proxy,
	})
}

func main() {
	pem, err := os.ReadFile(os.Args[4])
	if err != nil {
		log.Fatal(err)
	}
	proxies := x509.NewCertPool()
	if !proxies.AppendCertsFromPEM(pem) {
		log.Fatal("no certificate in ", os.Args[4])
	}
	http.HandleFunc("/apis/demo.example/v1", resources)
	http.HandleFunc("/apis/demo.example/v1/callers", callers)
	server := http.Server{
		Addr: os.Args[1],
		TLSConfig: &tls.Config{
			ClientAuth: tls.RequireAndVerifyClientCert,
			ClientCAs:  proxies,
		},
	}
	log.Fatal(server.ListenAndServeTLS(os.Args[2], os.Args[3]))
}
