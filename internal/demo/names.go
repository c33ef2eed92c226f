package demo

import (
	"strings"

	"github.com/usersvc/usersvc/internal/domain"
)

// person is a name, and what becomes of it in an address.
type person struct{ first, last, address string }

func (p *planner) somebody() person {
	first, last := pick(p.Rand, firstNames), pick(p.Rand, lastNames)
	return person{first, last, plain.Replace(strings.ToLower(first + "." + last))}
}

// Addresses have no letters beyond ASCII before the @.
var plain = strings.NewReplacer("é", "e", "è", "e", "ë", "e", "á", "a", "ú", "u", "ö", "o", "ø", "o", "å", "a", "ä", "a", "ü", "u", "ç", "c", "ñ", "n", "í", "i", "ó", "o", "ł", "l", "ş", "s", "'", "", " ", "")

var firstNames = strings.Fields(`Ada Aiko Alejandra Amara Anders Anouk Bilal Björn Camila Chidi Chloé Daiyu Dalia Dariusz Ebba Eilidh Elif Emeka
Esther Fatima Finn Freya Giulia Hana Hassan Ines Ingrid Jamal Jonas José Kaito Katarzyna Kofi Laila Lars Leila Liam Lucía Luca Magnus Maya Mei
Milan Nadia Niamh Noor Olga Omar Oskar Paolo Priya Ravi Rosa Sanjay Saoirse Sofía Søren Tariq Thandiwe Tomás Ulla Vera Wei Yara Yusuf Zainab Zoë`)

var lastNames = strings.Fields(`Abara Adeyemi Andersen Bakker Banerjee Baptiste Becker Bianchi Castillo Çelik Chen Costa Dahl Delgado Demir Dubois
Eriksson Evans Fernández Fischer Fontaine Garcia Gupta Haddad Hansen Hayashi Ibrahim Ito Jansen Johansson Kaya Keller Khan Kim Kowalska Kumar
Larsen Leroy Lindqvist López Mancini Mbeki Mendoza Moreau Müller Murphy Nakamura Ndiaye Nguyen Novak Nowak Okafor Oliveira Osei Patel Petrov
Quinn Rahman Rossi Sato Schneider Silva Singh Sørensen Suzuki Tanaka Torres Tremblay Unal Vargas Virtanen Wagner Walsh Wang Weber Yamamoto Zhang`)

// Domains that nobody can have (RFC 2606).
var (
	providers = []string{"mail.example", "post.example", "inbox.example", "letters.example"}
	employers = []string{"acme.example", "globex.example", "initech.example", "umbrella.example"}
)

var (
	complaints = []domain.Reason{"Payment overdue", "Asked for a pause", "Reported by several people", "Password was shared", "Under review"}
	farewells  = []domain.Reason{"Does not need it any more", "Moved to another team", "Asked to be removed", "Second account"}
)
